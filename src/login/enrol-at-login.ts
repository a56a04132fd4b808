import type { Attempt } from '../domain/attempt.ts'
import type { Person } from '../domain/person.ts'
import type { Refusal } from '../domain/refusal.ts'
import { refuse } from '../domain/refusal.ts'
import type { AskForCode } from './ask-for-code.ts'
import type { EnrolmentCodes } from './enrolment-codes.ts'
import type { VerifiedUser } from './first-factor.ts'

/** Enrolment in the midst of a VPN login: the prompt shows where, and the code that lets this user do it. */
export interface EnrolAtLogin {
  /** Whether this user, from there, may. */
  readonly mayEnrol: (attempt: Attempt, person: Person) => boolean
  /** The page that takes the code, as `https://vpn.example/enrol`. */
  readonly page: string
  readonly codes: EnrolmentCodes
}

/**
 * Asks for the code of an authenticator that is still to be enrolled. Whoever answers too early is asked again, a few
 * times; that is no failed guess, as there was nothing to be guessed.
 */
export function askToEnrol(attempt: Attempt, user: VerifiedUser, tries: number): AskForCode | Refusal {
  const answers = user.wrongCodes + (user.code === undefined ? 0 : 1)
  if (answers >= tries) return refuse('no_second_factor', 'no authenticator was enrolled within the login')
  const { gateway, name, address } = attempt
  return {
    kind: 'ask',
    prompt: { kind: 'enrol', again: answers > 0 },
    pending: { user: name.stem, gateway, address, person: user.person, wrongCodes: answers, enrolment: null },
  }
}
