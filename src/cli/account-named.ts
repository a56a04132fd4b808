import type { Store } from '../app/storage.ts'
import { systemClock } from '../domain/clock.ts'
import { Unavailable } from '../domain/errors.ts'
import { foldName, parseLoginName, usernameOf } from '../domain/login-name.ts'
import { subjectOf } from '../manage/subject.ts'
import { userNamed } from './command.ts'

const PATIENCE_MS = 5000

/** By what lockouts and events of a user are found. */
export interface NamedAccount {
  readonly user: string
  /** Where it differs from `user`. */
  readonly name?: string
}

/**
 * The account that any name stands for that a login takes, such as a mail address. Where no identity store knows it, or one
 * cannot be asked, it is what the name itself says.
 * @throws OperatorError if no login could carry the name.
 */
export async function accountNamed(typed: string, store: Store): Promise<NamedAccount> {
  const name = parseLoginName(typed)
  if (name === undefined) return { user: userNamed(typed) }
  const subject = (await subjectIfKnown(typed, store)) ?? foldName(name.whole)
  const user = usernameOf(subject)
  return subject === user ? { user } : { user, name: subject }
}

async function subjectIfKnown(typed: string, { candidates }: Store): Promise<string | undefined> {
  try {
    return await subjectOf(typed, { candidates, clock: systemClock, patienceMs: PATIENCE_MS })
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    return undefined
  }
}
