import type { Clock } from '../domain/clock.ts'
import type { Lockout, LockoutScope } from '../domain/lockout.ts'
import type { LockoutDesk } from '../domain/lockout-desk.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { customerNetwork, parsePlace } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import type { WebSessionStore } from '../domain/web-session.ts'

export interface LockoutsOptions {
  readonly desk: LockoutDesk
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  readonly clock: Clock
  readonly random: Randomness
}

/** Whom to lock, as a person says it. */
export interface WantedLock {
  readonly scope: LockoutScope
  readonly user?: string
  readonly address?: string
  /** Wall milliseconds; absent: until somebody releases it. */
  readonly until?: number
}

/** Lockouts in people's hands. `by` is who, `reason` why; both go into the audit trail. */
export class Lockouts {
  readonly #options: LockoutsOptions

  constructor(options: LockoutsOptions) {
    this.#options = options
  }

  release(id: string, by: string, reason: string): ReturnType<LockoutDesk['release']> {
    return this.#options.desk.release(id, by, reason, this.#options.clock.now())
  }

  /** @returns what is wrong with the wish where it names too little, too much, or nothing that can be locked. */
  async lock(
    wanted: WantedLock,
    by: string,
    reason: string,
  ): Promise<
    { readonly kind: 'locked'; readonly lockout: Lockout } | { readonly kind: 'wrong'; readonly part: string }
  > {
    const { desk, sessions, clock, random } = this.#options
    const { scope, until } = wanted
    const now = clock.now()
    const user = wanted.user === undefined ? undefined : parseLoginName(wanted.user)?.stem
    const place = wanted.address === undefined ? undefined : parsePlace(wanted.address)
    const address = place === undefined ? undefined : customerNetwork(place)
    if ((scope !== 'address') !== (user !== undefined)) return { kind: 'wrong', part: 'user' }
    if (wanted.user !== undefined && user === undefined) return { kind: 'wrong', part: 'user' }
    if ((scope !== 'user') !== (address !== undefined)) return { kind: 'wrong', part: 'address' }
    if (wanted.address !== undefined && address === undefined) return { kind: 'wrong', part: 'address' }
    if (until !== undefined && until <= now) return { kind: 'wrong', part: 'until' }
    const lockout = await desk.lock({ id: random.id(), scope, user, address, reason, by, since: now, until })
    if (scope === 'user' && user !== undefined) await sessions.deleteAllOf(user)
    return { kind: 'locked', lockout }
  }
}
