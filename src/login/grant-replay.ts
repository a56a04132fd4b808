import type { Enrolment } from '../domain/enrolment.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { Unavailable } from '../domain/errors.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import type { CodeUse } from '../domain/login-records.ts'
import type { Entitlement } from '../domain/policy.ts'
import type { Runtime } from '../domain/runtime.ts'

/** What a login was granted, as plain JSON. */
export interface RecentGrant {
  readonly policy: string
  readonly entitlement: Entitlement
  /** Identifier of the session's record. */
  readonly session: string
}

export interface GrantReplayOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly recent: Pick<EphemeralStore<RecentGrant>, 'put' | 'get'>
  /** Milliseconds. */
  readonly withinMs: number
  /** Time steps to either side of now whose codes are taken. */
  readonly window: number
  readonly keys: KeyRing
}

/**
 * The grants of the last seconds, for a gateway that got no answer from one broker and asks another: the same request,
 * down to the State and the code, gets the same grant. Only exactly that request finds a grant, and a grant is kept no
 * longer than its code would have been accepted.
 */
export class GrantReplayCache {
  readonly #options: GrantReplayOptions
  readonly #keys: KeyRing

  constructor(options: GrantReplayOptions) {
    this.#options = options
    this.#keys = options.keys.derive('same answer')
  }

  /** Never fails: without the grant a repeated request is refused. */
  async remember(
    attempt: LoginAttempt,
    codeUse: CodeUse,
    enrolments: readonly Enrolment[],
    grant: RecentGrant,
  ): Promise<void> {
    // Only the code of a time step has a known end.
    if (codeUse.kind !== 'totp') return
    const enrolment = enrolments.find(({ id }) => id === codeUse.enrolment)
    if (enrolment === undefined || enrolment.kind === 'hotp') return
    const { recent, withinMs, window, clock, log } = this.#options
    const codeEndsAt = (codeUse.step + 1 + window) * enrolment.period * 1000 - Math.max(0, codeUse.driftMs)
    const ttlMs = Math.min(withinMs, codeEndsAt - clock.now())
    if (ttlMs <= 0) return
    try {
      await recent.put(this.#keyOf(attempt), grant, ttlMs)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      log.warn('same_answer.not_kept', { attempt: attempt.id, error })
    }
  }

  /** @returns what the same request was granted a moment ago. */
  async find(attempt: LoginAttempt): Promise<RecentGrant | undefined> {
    try {
      return await this.#options.recent.get(this.#keyOf(attempt))
    } catch (error) {
      if (error instanceof Unavailable) return undefined
      throw error
    }
  }

  #keyOf({ name, gateway, address, state, session, typed }: LoginAttempt): string {
    return this.#keys.sign(JSON.stringify([name.raw, gateway, address, state, session, typed.reveal()]))
  }
}
