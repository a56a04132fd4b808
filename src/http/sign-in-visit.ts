import type { Request } from 'express'
import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import { parseLoginName } from '../domain/login-name.ts'
import type { Person } from '../domain/person.ts'
import type { Randomness } from '../domain/random.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import { Secret } from '../domain/secret.ts'
import type { WebSession } from '../domain/web-session.ts'
import type { Challenge } from '../login/ask-for-code.ts'
import { PORTAL } from '../login/sign-in.ts'
import type { SignedIn } from '../login/signed-in.ts'
import { Turnstile } from './busy.ts'
import { addressOf } from './peer.ts'
import { type Visit, visitOf } from './visit.ts'

export interface SigningInOptions {
  readonly signIn: (attempt: Attempt) => Promise<SignedIn | Challenge | Refusal>
  readonly signInByLeave: (attempt: Attempt) => Promise<SignedIn | Challenge | Refusal>
  readonly signInAgain: (attempt: Attempt, person: Person) => Promise<SignedIn | Challenge | Refusal>
  /** The identifier of the subject's present authenticator. @throws Unavailable */
  readonly authenticatorOf: (subject: string) => Promise<string | undefined>
  /** Milliseconds within which a sign-in has an answer. */
  readonly deadlineMs: number
  /** Sign-ins at one time: password hashes are shared with the logins at the gateways, which go first. */
  readonly atOnce: number
  readonly clock: Clock
  readonly random: Randomness
}

/** What the page shows next; the visit's session is by then what it says. */
export type SignInOutcome =
  /** A code is asked for; `prompt` says why. */
  | Challenge
  /** `factors` 1: enrol an authenticator first. */
  | SignedIn
  /** Nobody is signed in. */
  | Refusal

/** Sign-ins that wait behind each that is looked at: less than a second's work, so nobody waits for nothing. */
const WAIT_FOR_EACH = 8

const NO_NAME = refuse('bad_credentials', 'no login could carry the name')

/** Signs browsers in by the very way that logins take, limits and lockouts included. */
export class SigningIn {
  readonly #options: SigningInOptions
  readonly #turnstile: Turnstile

  constructor(options: SigningInOptions) {
    this.#options = options
    this.#turnstile = new Turnstile(options.atOnce, WAIT_FOR_EACH * options.atOnce)
  }

  /** With a name and a password. @throws Problem `busy` */
  withPassword(request: Request, name: string, password: string): Promise<SignInOutcome> {
    return this.#try(request, name, password, undefined)
  }

  /** With the code, or the identity store's own answer, that the visit's challenge asks for. @throws Problem `busy` */
  async withCode(request: Request, code: string): Promise<SignInOutcome> {
    const { session } = visitOf(request)
    if (session?.stage !== 'code' || session.state === undefined)
      return refuse('challenge_expired', 'no code was asked for')
    return this.#try(request, session.typed, code, session.state)
  }

  /** With the short code of a VPN prompt, or an invitation. @throws Problem `busy` */
  async withLeave(request: Request, name: string, code: string): Promise<SignInOutcome> {
    const attempt = this.#attempt(request, name, code)
    if (attempt === undefined) return NO_NAME
    const { signInByLeave, clock } = this.#options
    const createdAt = clock.now()
    const outcome = await this.#turnstile.pass(() => signInByLeave(attempt))
    return this.#keep(visitOf(request), attempt, outcome, { createdAt })
  }

  /**
   * Asks somebody who is signed in for the present code or a recovery code, before what needs it. Where it was right
   * the visit is under a new cookie; where it was wrong nothing has changed.
   * @throws Problem `busy`
   */
  async again(request: Request, code: string): Promise<SignInOutcome> {
    const visit = visitOf(request)
    const { session } = visit
    if (session?.stage !== 'in' || session.subject === undefined)
      return refuse('challenge_expired', 'nobody is signed in')
    const attempt = this.#attempt(request, session.typed, code)
    if (attempt === undefined) return NO_NAME
    const { subject, groups } = session
    const person = { subject, groups, source: 'signed in before', attributes: {} }
    const outcome = await this.#turnstile.pass(() => this.#options.signInAgain(attempt, person))
    return outcome.kind === 'refusal' ? outcome : this.#keep(visit, attempt, outcome, session)
  }

  async #try(
    request: Request,
    name: string,
    typed: string,
    state: string | undefined,
  ): Promise<SignInOutcome> {
    const attempt = this.#attempt(request, name, typed, state)
    if (attempt === undefined) return NO_NAME
    const { signIn, clock } = this.#options
    // Not when it is over: whatever ends the user's sessions in the midst of a sign-in ends this one too.
    const createdAt = clock.now()
    const outcome = await this.#turnstile.pass(() => signIn(attempt))
    return this.#keep(visitOf(request), attempt, outcome, { createdAt })
  }

  /** @returns undefined where no login could carry the name. */
  #attempt(request: Request, name: string, typed: string, state?: string): Attempt | undefined {
    const parsed = parseLoginName(name)
    if (parsed === undefined) return undefined
    const { clock, random, deadlineMs } = this.#options
    return {
      id: random.id(),
      name: parsed,
      typed: new Secret(typed),
      gateway: PORTAL,
      address: addressOf(request),
      state,
      client: request.get('user-agent')?.slice(0, 200),
      deadline: clock.monotonic() + deadlineMs,
    }
  }

  /** @param origin since when, and by which authenticator if that is known, the session is there. */
  async #keep(
    visit: Visit,
    attempt: Attempt,
    outcome: SignInOutcome,
    origin: Pick<WebSession, 'createdAt' | 'enrolment'>,
  ): Promise<SignInOutcome> {
    if (outcome.kind === 'refusal') {
      // A code that ended the login; somebody else's wrong password ends nothing.
      if (attempt.state !== undefined) await visit.end()
      return outcome
    }
    const { clock } = this.#options
    const begun: WebSession = {
      ...{ stage: 'code', user: attempt.name.stem, typed: attempt.name.sent },
      ...{ groups: [], factors: 1, createdAt: origin.createdAt, seenAt: clock.now() },
    }
    const session =
      outcome.kind === 'challenge'
        ? { ...begun, state: outcome.state }
        : { ...begun, ...(await this.#afterSignIn(outcome, origin.enrolment)) }
    // Another prompt for the same code is no step up.
    const isAnother = outcome.kind === 'challenge' && attempt.state !== undefined
    const kept = isAnother ? await visit.change(session) : await visit.begin(session)
    return kept ? outcome : refuse('challenge_expired', 'the sign-in ended in another window')
  }

  async #afterSignIn(
    { person: { subject, groups }, factors, leave }: SignedIn,
    known: string | undefined,
  ): Promise<Pick<WebSession, 'stage' | 'subject' | 'groups' | 'factors' | 'notes' | 'enrolment'>> {
    const about = { subject, groups, factors }
    if (factors === 1) return { stage: 'enrol', ...about, ...(leave !== undefined && { notes: { leave } }) }
    return { stage: 'in', ...about, enrolment: known ?? (await this.#options.authenticatorOf(subject)) }
  }
}
