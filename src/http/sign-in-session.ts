import type { Request } from 'express'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import { type LoginName, nameOfSubject, parseLoginName } from '../domain/login-name.ts'
import type { Person } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Secret } from '../domain/secret.ts'
import { usernamesOf, type WebSession, type WebSessionStore } from '../domain/web-session.ts'
import type { Challenge } from '../login/ask-for-code.ts'
import { type LoginFlow, PORTAL } from '../login/flow.ts'
import type { PasskeyAssertions } from '../login/passkey-assertions.ts'
import type { SignedIn } from '../login/steps/sign-in.ts'
import type { VerifiedClaims } from '../login/verified-claims.ts'
import { waitUntil } from '../pacing/response-time-equalizer.ts'
import { SharedPlaces } from '../pacing/shared-places.ts'
import { type BrowserSession, browserSessionOf, findBrowserSession } from './browser-session.ts'
import { addressOf } from './peer.ts'
import { Problem } from './problem.ts'

export interface SigningInOptions extends Pick<Runtime, 'clock' | 'random' | 'metrics'> {
  readonly login: Pick<LoginFlow, 'atPortal' | 'withTicket' | 'stepUp' | 'bySignOn' | 'withPasskey'>
  /** Absent: nobody signs in by passkey. */
  readonly passkeys?: Pick<PasskeyAssertions, 'ownerOf'>
  readonly sessions: Pick<WebSessionStore, 'endingsOf'>
  /** Told of each sign-in. @throws Unavailable */
  readonly noteSignIn: (name: LoginName, person: Person) => Promise<void>
  /** Milliseconds within which a sign-in is answered. */
  readonly deadlineMs: number
}

/** What the page shows next. The browser's session has been changed accordingly. */
export type SignInOutcome =
  /** A code is asked for; `prompt` says why. */
  | Challenge
  /** `factors` 1: enrol an authenticator first. */
  | SignedIn
  /** Nobody is signed in. */
  | Refusal

/** Sign-ins in progress, and those of one client's network: a store may take seconds to refuse. */
const MAX_IN_PROGRESS = 256
const MAX_OF_ONE = 16

/** Stands for the owner of a passkey that nobody has: such answers count together. */
const NOBODY = 'unknown-passkey'
const NO_NAME = refuse('bad_credentials', 'invalid user name')

/** When the session was created, what had ended others before, and what is known of its sign-in. */
type Origin = Pick<
  WebSession,
  'createdAt' | 'endings' | 'enrolment' | 'passkey' | 'source' | 'record' | 'signedOn'
>

/** A few names in all. */
function nameOf(outcome: SignInOutcome): string {
  if (outcome.kind === 'refusal') return outcome.reason
  return outcome.kind === 'signed_in' && outcome.factors === 1 ? 'enrol' : outcome.kind
}

/** Signs browsers in through the same steps as VPN logins, limits and lockouts included. */
export class SigningIn {
  readonly #options: SigningInOptions
  readonly #inProgress = new SharedPlaces(MAX_IN_PROGRESS, MAX_OF_ONE)

  constructor(options: SigningInOptions) {
    this.#options = options
  }

  /** With a name and a password. @throws Problem `busy` */
  withPassword(request: Request, name: string, password: string): Promise<SignInOutcome> {
    return this.#try('password', request, { name, typed: password }, (attempt) =>
      this.#options.login.atPortal(attempt),
    )
  }

  /** After the provider of the single sign-on has signed the user in. @throws Problem `busy` */
  withClaims(request: Request, claims: VerifiedClaims): Promise<SignInOutcome> {
    const { name, signedOn } = claims
    return this.#try(
      'single_sign_on',
      request,
      { name: name.raw, typed: '' },
      (attempt) => this.#options.login.bySignOn(attempt, claims),
      { signedOn },
    )
  }

  /** With the code, or the answer to the identity store, that the session's challenge asks for. @throws Problem `busy` */
  async withCode(request: Request, code: string): Promise<SignInOutcome> {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'code' || session.state === undefined)
      return refuse('challenge_expired', 'no code was asked for')
    const { typed: name, state, signedOn } = session
    return this.#try(
      'code',
      request,
      { name, typed: code, state },
      (attempt) => this.#options.login.atPortal(attempt),
      { signedOn },
    )
  }

  /** With the short code of a VPN prompt, or an invitation. @throws Problem `busy` */
  withTicket(request: Request, name: string, code: string): Promise<SignInOutcome> {
    return this.#try('ticket', request, { name, typed: code }, (attempt) =>
      this.#options.login.withTicket(attempt),
    )
  }

  /** By passkey alone. @param answer the JSON text of the browser's `PublicKeyCredential`. @throws Problem `busy` */
  async withPasskey(request: Request, answer: string): Promise<SignInOutcome> {
    const subject = await this.#options.passkeys?.ownerOf(answer)
    const name = (subject === undefined ? undefined : nameOfSubject(subject)?.raw) ?? NOBODY
    return this.#try('passkey', request, { name, typed: answer }, (attempt) =>
      this.#options.login.withPasskey(attempt),
    )
  }

  /**
   * Asks a signed-in user for the present code, a recovery code or a passkey before a change that needs it. The right
   * answer puts the session under a new cookie; a wrong one changes nothing.
   * @param passkey its answer in JSON; empty: the code counts. @throws Problem `busy`
   */
  async again(request: Request, code: string, passkey = ''): Promise<SignInOutcome> {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'in' || session.subject === undefined)
      return refuse('challenge_expired', 'nobody is signed in')
    const { subject, source = 'signed in before', groups, typed: name } = session
    const person = { subject, source, groups, attributes: {} }
    return passkey === ''
      ? this.#try(
          'step_up',
          request,
          { name, typed: code },
          (attempt) => this.#options.login.stepUp(attempt, person),
          { signedIn: session },
        )
      : this.#try(
          'step_up_passkey',
          request,
          { name, typed: passkey },
          (attempt) => this.#options.login.withPasskey(attempt, person),
          { signedIn: session },
        )
  }

  /**
   * @param way how it is tried, for the metrics. @param signedIn the session that stays signed in whatever the outcome;
   * @param signedOn of a sign-in that the provider began.
   */
  async #try(
    way: string,
    request: Request,
    typed: { readonly name: string; readonly typed: string; readonly state?: string },
    decide: (attempt: LoginAttempt) => Promise<SignInOutcome>,
    { signedIn, signedOn }: { readonly signedIn?: WebSession } & Pick<WebSession, 'signedOn'> = {},
  ): Promise<SignInOutcome> {
    const attempt = this.#attempt(request, typed)
    if (attempt === undefined) return NO_NAME
    // Read before the sign-in: whatever ends the user's sessions during the sign-in ends this one too.
    const origin = signedIn ?? (await this.#newOrigin(attempt, signedOn))
    const outcome = await this.#decide(request, () => decide(attempt))
    this.#options.metrics.signIn(way, nameOf(outcome))
    const browser = browserSessionOf(request)
    if (outcome.kind !== 'refusal') return this.#keep(browser, attempt, outcome, origin)
    // The code ended the login that the session was waiting for; a wrong password ends no session.
    if (attempt.state !== undefined) await browser.end()
    return outcome
  }

  /** Nobody waits in a place that is bounded: neither for a store in the slot of a request, nor for a refusal's time. */
  async #decide(request: Request, decide: () => Promise<SignInOutcome>): Promise<SignInOutcome> {
    const leave = this.#inProgress.take(addressOf(request))
    if (leave === undefined) throw new Problem('busy', { retryAfter: 1 })
    request.res?.locals.slot?.release()
    try {
      const outcome = await decide()
      if (outcome.kind !== 'refusal') return outcome
      leave()
      await waitUntil(outcome.answerAt, this.#options.clock)
      return outcome
    } finally {
      leave()
    }
  }

  /** @returns undefined for a name that is not a valid user name. */
  #attempt(
    request: Request,
    { name, typed, state }: { readonly name: string; readonly typed: string; readonly state?: string },
  ): LoginAttempt | undefined {
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
      browser: findBrowserSession(request)?.mark(),
      client: request.get('user-agent')?.slice(0, 200),
      deadline: clock.monotonic() + deadlineMs,
    }
  }

  async #newOrigin({ name }: LoginAttempt, signedOn: Origin['signedOn']): Promise<Origin> {
    const { clock, sessions } = this.#options
    const endings = await sessions.endingsOf(usernamesOf({ user: name.username, signedOn }))
    return { createdAt: clock.now(), endings, signedOn }
  }

  async #keep(
    browser: BrowserSession,
    attempt: LoginAttempt,
    outcome: Exclude<SignInOutcome, Refusal>,
    origin: Origin,
  ): Promise<SignInOutcome> {
    const next: WebSession = {
      stage: 'code',
      user: attempt.name.username,
      typed: attempt.name.raw,
      groups: [],
      signedOn: origin.signedOn,
      factors: 1,
      createdAt: origin.createdAt,
      endings: origin.endings,
      seenAt: this.#options.clock.now(),
    }
    const more =
      outcome.kind === 'challenge'
        ? { state: outcome.state }
        : await this.#afterSignIn(attempt.name, outcome, origin)
    const session = { ...next, ...more }
    // Another prompt for the same code is not a step up.
    const isAnother = outcome.kind === 'challenge' && attempt.state !== undefined
    const kept = isAnother ? await browser.change(session) : await browser.begin(session)
    return kept ? outcome : refuse('challenge_expired', 'the sign-in ended in another window')
  }

  async #afterSignIn(
    name: LoginName,
    { person, factors, ticket, enrolment, passkey, endings: known }: SignedIn,
    origin: Origin,
  ): Promise<Partial<WebSession>> {
    const { subject, groups, notice } = person
    const endings = { ...known, ...origin.endings }
    const common = { subject, groups, factors, endings, passwordNotice: notice?.isTold ? notice : undefined }
    if (ticket !== undefined) return { ...common, stage: 'enrol', notes: { ticket } }
    const isStepUp = origin.source !== undefined
    if (!isStepUp) await this.#options.noteSignIn(name, person)
    const { source, record } = isStepUp ? origin : person
    if (factors === 1) return { ...common, stage: 'enrol', source, record }
    // A step-up changes nothing of what the session was begun with.
    const begunWith = isStepUp ? origin : { enrolment, passkey }
    return {
      ...common,
      stage: 'in',
      source,
      record,
      enrolment: begunWith.enrolment,
      passkey: begunWith.passkey,
    }
  }
}
