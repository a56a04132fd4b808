import { createHash } from 'node:crypto'
import type { Request } from 'express'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Runtime } from '../domain/runtime.ts'
import {
  type ClaimRules,
  type ProviderAnswer,
  type SignedOn,
  type SignOnSecrets,
  type SingleSignOnProvider,
  signOutNames,
} from '../domain/single-sign-on.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { verifyClaims } from '../login/verified-claims.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'
import { SharedPlaces } from '../pacing/shared-places.ts'
import { browserSessionOf } from './browser-session.ts'
import { addressOf } from './peer.ts'
import { Problem } from './problem.ts'
import type { SignInOutcome, SigningIn } from './sign-in-session.ts'

/** A sign-in whose browser is at the provider. */
export interface PendingSignOn extends Omit<SignOnSecrets, 'state'> {
  /** The digest of what only the browser knows that began it. */
  readonly browser: string
  /** Where it leads. */
  readonly to?: string
}

export interface SingleSignOnOptions extends Pick<Runtime, 'clock' | 'random' | 'log' | 'metrics'> {
  /** The provider, as the sign-in page calls it. */
  readonly name: string
  readonly provider: SingleSignOnProvider
  readonly rules: ClaimRules
  /** By the digest of `state`. */
  readonly pending: EphemeralStore<PendingSignOn>
  /** The logout tokens that were carried out. */
  readonly signOuts: EphemeralStore<boolean>
  readonly signingIn: Pick<SigningIn, 'withClaims'>
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
}

/** Nobody is signed in, and nobody was refused. */
export interface NotSignedOn {
  readonly kind: 'not_signed_on'
  readonly why: 'too_old' | 'other_browser' | 'cancelled' | 'refused' | 'unreachable'
}

/** What the page shows next, and where the sign-in was to lead. */
export interface SignOnEnd {
  readonly outcome: SignInOutcome | NotSignedOn
  readonly to?: string
}

/** Below the address of the pages. */
export const CALLBACK_PATH = '/sign-in/sso/callback'
export const SIGN_OUT_PATH = '/sign-in/sso/sign-out'

const PENDING_FOR_MS = 10 * 60_000
const SECRET_OCTETS = 32
/** As long as a logout token may be carried out, with the difference of clocks. */
const SIGN_OUT_KNOWN_MS = 10 * 60_000
/** Requests to the provider in progress, and those for one client's network. */
const MAX_IN_PROGRESS = 64
const MAX_OF_ONE = 8

/** Signs browsers in and out through a provider of OpenID Connect. */
export class SingleSignOn {
  readonly #options: SingleSignOnOptions
  readonly #inProgress = new SharedPlaces(MAX_IN_PROGRESS, MAX_OF_ONE)
  readonly #throttle: LogThrottle

  constructor(options: SingleSignOnOptions) {
    this.#options = options
    this.#throttle = new LogThrottle({ clock: options.clock, lines: 10 })
  }

  get name(): string {
    return this.#options.name
  }

  /** @returns the provider's page for this browser; undefined where the provider cannot be asked. @throws Problem `busy` */
  async begin(request: Request, to: string | undefined): Promise<string | undefined> {
    const { random, provider, pending } = this.#options
    const secret = () => random.bytes(SECRET_OCTETS).toString('base64url')
    const secrets = { state: secret(), nonce: secret(), verifier: secret() }
    const url = await this.#ask(request, () => provider.signInUrl(secrets))
    if (url === undefined) return undefined
    const { state, ...kept } = secrets
    await pending.put(digestOf(state), { ...kept, browser: browserOf(request), to }, PENDING_FOR_MS)
    return url
  }

  /** The browser is back from the provider. @throws Problem `busy`, Unavailable */
  async finish(request: Request): Promise<SignOnEnd> {
    const { state } = request.query
    // Taken before anything is looked at: an answer works once, whoever brings it.
    const began = typeof state === 'string' ? await this.#options.pending.take(digestOf(state)) : undefined
    const outcome = await this.#outcomeOf(request, String(state), began)
    const isOver = outcome.kind === 'not_signed_on'
    if (isOver) this.#options.metrics.signIn('single_sign_on', outcome.why)
    return { outcome, to: began?.to }
  }

  async #outcomeOf(
    request: Request,
    state: string,
    began: PendingSignOn | undefined,
  ): Promise<SignInOutcome | NotSignedOn> {
    if (began === undefined) return notSignedOn('too_old')
    if (began.browser !== browserOf(request)) return notSignedOn('other_browser')
    const { provider, rules, signingIn } = this.#options
    const { search } = new URL(request.originalUrl, 'http://localhost')
    const secrets = { ...began, state }
    const answer = await this.#ask(request, () => verifyClaims(provider, search.slice(1), secrets, rules))
    if (answer === undefined) return notSignedOn('unreachable')
    if (answer.kind === 'verified_claims') return signingIn.withClaims(request, answer)
    if (answer.kind === 'refused') this.#tellRefused(request, answer)
    return notSignedOn(answer.kind)
  }

  /** @returns the provider's page that ends its own session, if there is one and it can be asked. */
  async signOutUrl(request: Request, { idToken }: SignedOn): Promise<string | undefined> {
    return this.#ask(request, () => this.#options.provider.signOutUrl(idToken))
  }

  /**
   * Ends the sessions that the provider's logout token names. @returns false where it is not a right one.
   * @throws Problem `busy`, Unavailable
   */
  async signOut(request: Request, token: string): Promise<boolean> {
    const { provider, signOuts, sessions, log } = this.#options
    using _ = this.#place(request)
    const order = await provider.readSignOut(token)
    if (order === undefined) return false
    // Otherwise somebody who has seen it could end the sessions of later sign-ins.
    const key = digestOf(order.id)
    if (!(await signOuts.putIfAbsent(key, true, SIGN_OUT_KNOWN_MS))) return true
    // With both, `sid` is meant: the user's sessions in other browsers stay.
    const { issuer, subject, session } = order
    const names = signOutNames(session === undefined ? { issuer, subject } : { issuer, session })
    try {
      for (const name of names) await sessions.deleteAllOf(name)
    } catch (outage) {
      // The provider sends it again.
      await signOuts.delete(key)
      throw outage
    }
    log.info('single_sign_on.signed_out', { subject, session })
    return true
  }

  /** @returns undefined where the provider gave no answer. @throws Problem `busy` */
  async #ask<T>(request: Request, ask: () => Promise<T>): Promise<T | undefined> {
    using _ = this.#place(request)
    // Nobody waits for the provider in a slot that others need.
    request.res?.locals.slot?.release()
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      this.#throttle.tell('unavailable', (before) =>
        this.#options.log.warn('single_sign_on.unavailable', {
          why: error.message,
          before,
          remedy: 'run ocbroker doctor --only single-sign-on',
        }),
      )
      return undefined
    }
  }

  #place(request: Request): Disposable {
    const leave = this.#inProgress.take(addressOf(request))
    if (leave === undefined) throw new Problem('busy', { retryAfter: 1 })
    return { [Symbol.dispose]: leave }
  }

  #tellRefused(request: Request, { detail, remedy }: Extract<ProviderAnswer, { kind: 'refused' }>): void {
    this.#throttle.tell('refused', (before) =>
      this.#options.log.warn('single_sign_on.refused', {
        address: addressOf(request),
        why: detail,
        remedy,
        before,
      }),
    )
  }
}

function notSignedOn(why: NotSignedOn['why']): NotSignedOn {
  return { kind: 'not_signed_on', why }
}

/** It follows from the browser's cookie, and from nothing that others know. */
function browserOf(request: Request): string {
  return digestOf(browserSessionOf(request).mark())
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
