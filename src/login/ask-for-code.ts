import type { PasswordNotice } from '../domain/account-state.ts'
import type { AwaitedApproval, AwaitedCode, OutsideCode, PendingChallenge } from '../domain/challenge.ts'
import type { CodeClue } from '../domain/code-clue.ts'
import type { GraceLeft } from '../domain/grace.ts'
import type { Policy } from '../domain/policy.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { Session } from '../domain/session.ts'
import type { EnrolmentCodes } from './enrolment-codes.ts'
import type { Login } from './login.ts'
import type { EnrolledUser } from './steps/load-enrolment.ts'

/** A code is asked for, under a State that is kept. */
export interface Challenge {
  readonly kind: 'challenge'
  readonly state: string
  readonly prompt: ChallengePrompt
  /** For the operator only: of the wrong code that led to asking again. */
  readonly clue?: CodeClue
}

/** Why the prompt appears; its words are made from this. */
export type ChallengePrompt =
  | PlainPrompt
  /** The user has no authenticator yet; `page` takes `code`. `again`: an answer came before one was enrolled. */
  | (EnrolPrompt & { readonly page: string; readonly code: Secret })

interface EnrolPrompt {
  readonly kind: 'enrol'
  readonly again: boolean
  /** The user may also go on without. */
  readonly grace?: GraceLeft
}

type PlainPrompt =
  | {
      readonly kind: 'enter_code' /** What the user may read of the password. */
      readonly notice?: PasswordNotice
    }
  | ApprovePrompt
  | { readonly kind: 'wrong_code'; readonly triesLeft: number }
  | { readonly kind: 'used_code'; readonly triesLeft: number }
  /** The code was right and is not spent. */
  | { readonly kind: 'too_many_sessions'; readonly live: readonly Session[]; readonly triesLeft: number }
  /** The user has no authenticator yet, and may go on without; `page` is where one is enrolled. */
  | { readonly kind: 'grace'; readonly left: GraceLeft; readonly page?: string }
  /** An identity store's own question; without words of its own it is a question for a code. */
  | { readonly kind: 'store'; readonly text?: string }

/** The user is to choose the number on a page, and to approve there with a passkey. */
export interface ApprovePrompt {
  readonly kind: 'approve'
  /** The page, as `https://vpn.example/approve`. */
  readonly page: string
  readonly number: number
  /** Whether a code may be typed instead. */
  readonly takesCode: boolean
  /** What the user may read of the password. */
  readonly notice?: PasswordNotice
  /** Absent at first; then how often the prompt may still be answered before the approval. */
  readonly triesLeft?: number
}

/** The verdict that a code must be asked for. Nothing has been counted, stored or sent for it yet. */
export interface AskForCode {
  readonly kind: 'ask'
  readonly pending: PendingChallenge
  readonly prompt: PlainPrompt | EnrolPrompt
  /** The refusal that led to asking again. */
  readonly failure?: Refusal
  /** How long it can be answered, in milliseconds; absent: as any challenge. */
  readonly ttlMs?: number
}

/** Enrolment during a VPN login: the prompt shows the page and the code that lets this user enrol there. */
export interface EnrolAtLogin {
  /** Whether users of this policy may. */
  readonly mayEnrol: (policy: Policy | undefined) => boolean
  /** The page that takes the code, as `https://vpn.example/enrol`. */
  readonly page: string
  readonly codes: EnrolmentCodes
}

export function askForCode(user: EnrolledUser, login: Login): AskForCode {
  const { notice } = user.verified.person
  return ask(user, login, 0, { kind: 'enter_code', ...(notice?.isTold && { notice }) })
}

/**
 * Asks again, a few times, for a wrong code that answered a challenge, and where the user has too many sessions: after a
 * challenge ocserv shows no words of a refusal, but those of another prompt. Any other failure ends the login.
 * @param outside as `AwaitedCode.outside`.
 */
export function askAgain(
  user: EnrolledUser,
  failure: Refusal,
  login: Login,
  outside?: OutsideCode,
): AskForCode | Refusal {
  const wrongCodes = user.verified.wrongCodes + 1
  const triesLeft = login.options.tries - wrongCodes
  if (login.attempt.state === undefined || triesLeft <= 0) return failure
  if (failure.live !== undefined && user.enrolments.length > 0) {
    const prompt = { kind: 'too_many_sessions', live: failure.live, triesLeft } as const
    return { ...ask(user, login, wrongCodes, prompt), failure }
  }
  if (!failure.counts) return failure
  const kind = failure.reason === 'code_used' ? 'used_code' : 'wrong_code'
  return { ...ask(user, login, wrongCodes, { kind, triesLeft }, outside), failure }
}

/**
 * Asks for the code of an authenticator that is still to be enrolled. An answer that comes too early is asked again, a
 * few times; it is no failed guess, as there was nothing to guess.
 */
export function askToEnrol(user: EnrolledUser, login: Login, grace?: GraceLeft): AskForCode | Refusal {
  const answers = user.verified.wrongCodes + (user.verified.code === undefined ? 0 : 1)
  if (answers >= login.options.tries)
    return refuse('no_second_factor', 'no authenticator was enrolled within the login')
  return ask(user, login, answers, { kind: 'enrol', again: answers > 0, ...(grace && { grace }) })
}

/** Tells a user without an authenticator how long that goes on, since ocserv shows no words of an Access-Accept. */
export function askForGrace(user: EnrolledUser, login: Login, left: GraceLeft): AskForCode {
  return ask(user, login, 0, { kind: 'grace', left, page: login.rules.grace?.page })
}

/** @param ttlMs as `AskForCode.ttlMs`. */
export function askToApprove(
  user: EnrolledUser,
  login: Login,
  approval: AwaitedApproval,
  prompt: ApprovePrompt,
  ttlMs: number,
): AskForCode {
  const asked = ask(user, login, user.verified.wrongCodes, prompt)
  return { ...asked, pending: { ...asked.pending, approval }, ttlMs }
}

function ask(
  { verified: { person }, enrolments, sealedPasswordHash }: EnrolledUser,
  { attempt: { name, gateway, address }, user }: Login,
  wrongCodes: number,
  prompt: AskForCode['prompt'],
  outside?: OutsideCode,
): AskForCode & { readonly pending: AwaitedCode } {
  const pending: AwaitedCode = {
    user: name.username,
    countsFor: user === name.username ? undefined : user,
    gateway,
    address,
    person,
    wrongCodes,
    enrolments: enrolments.map(({ id }) => id),
    outside,
    sealedPasswordHash,
    offersGrace: prompt.kind === 'grace' || (prompt.kind === 'enrol' && prompt.grace !== undefined),
  }
  return { kind: 'ask', prompt, pending }
}
