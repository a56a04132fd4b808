import { Unavailable } from '../domain/errors.ts'
import type { Lockout, LockoutScope, LockoutStore } from '../domain/lockout.ts'
import { parseLoginName, usernameOf } from '../domain/login-name.ts'
import { customerNetwork, parsePlace } from '../domain/network.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { type ReleaseAnswer, type Releaser, type ReleaseWanted, releaseLockouts } from './release-lockouts.ts'

export interface LockoutsOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly store: LockoutStore
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  /** As `subjectOf` of manage/subject.ts. @throws Unavailable */
  readonly subjectOf: (typed: string) => Promise<string | undefined>
}

/** What an administrator asks to lock. */
export interface LockRequest {
  readonly scope: LockoutScope
  readonly user?: string
  readonly address?: string
  /** Wall milliseconds; absent: until it is released. */
  readonly until?: number
}

/** Lockouts that administrators make and release. The audit trail keeps who (`by`) and why (`reason`). */
export class Lockouts {
  readonly #options: LockoutsOptions

  constructor(options: LockoutsOptions) {
    this.#options = options
  }

  /** @throws Unavailable */
  release(wanted: ReleaseWanted, releaser: Releaser): Promise<ReleaseAnswer> {
    return releaseLockouts(wanted, releaser, this.#options)
  }

  /** @returns the wrong part of a request that names too little, too much, or what cannot be locked. */
  async lock(
    request: LockRequest,
    by: string,
    reason: string,
  ): Promise<
    { readonly kind: 'locked'; readonly lockout: Lockout } | { readonly kind: 'wrong'; readonly part: string }
  > {
    const { store, sessions, clock, random } = this.#options
    const { scope, until } = request
    const now = clock.now()
    const account = request.user === undefined ? undefined : await this.#accountOf(request.user)
    const { user, name } = account ?? {}
    const place = request.address === undefined ? undefined : parsePlace(request.address)
    const address = place === undefined ? undefined : customerNetwork(place)
    if ((scope !== 'address') !== (user !== undefined)) return { kind: 'wrong', part: 'user' }
    if (request.user !== undefined && user === undefined) return { kind: 'wrong', part: 'user' }
    if ((scope !== 'user') !== (address !== undefined)) return { kind: 'wrong', part: 'address' }
    if (request.address !== undefined && address === undefined) return { kind: 'wrong', part: 'address' }
    if (until !== undefined && until <= now) return { kind: 'wrong', part: 'until' }
    const lockout = await store.lock({
      id: random.id(),
      scope,
      user,
      name,
      address,
      reason,
      by,
      since: now,
      until,
    })
    if (scope === 'user' && user !== undefined) await sessions.deleteAllOf(user)
    return { kind: 'locked', lockout }
  }

  /**
   * The account, by whose username lockouts go, if another of its names was typed. While an identity store cannot
   * be asked, the name that was typed is locked.
   * @returns undefined for a name that no user can have.
   */
  async #accountOf(typed: string): Promise<Pick<Lockout, 'user' | 'name'> | undefined> {
    const name = parseLoginName(typed)
    if (name === undefined) return undefined
    try {
      const subject = (await this.#options.subjectOf(typed)) ?? name.username
      const user = usernameOf(subject)
      return { user, name: subject === user ? undefined : subject }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      return { user: name.username }
    }
  }
}
