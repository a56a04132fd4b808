import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import type { Enrolment } from '../domain/enrolment.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Log } from '../domain/log.ts'
import type { Claim } from '../domain/login-records.ts'
import type { PassingStore } from '../domain/passing-store.ts'
import { Unavailable } from '../domain/person.ts'
import type { Entitlement } from '../domain/policy.ts'

/** What a login was granted, as plain JSON. */
export interface RecentGrant {
  readonly policy: string
  readonly entitlement: Entitlement
  /** Identifier of the session's record. */
  readonly session: string
}

export interface SameAnswerOptions {
  readonly recent: Pick<PassingStore<RecentGrant>, 'put' | 'get'>
  /** Milliseconds. */
  readonly withinMs: number
  /** Time steps to either side of now whose codes are taken. */
  readonly window: number
  readonly keys: KeyRing
  readonly clock: Clock
  readonly log: Log
}

/**
 * The grants of the last moments, for a gateway that got no answer from one broker and asks another: the same question,
 * down to the State and the code, gets the same grant. A grant is found only by who asks exactly that; it is kept no
 * longer than its code could have been used for the first time.
 */
export class SameAnswer {
  readonly #options: SameAnswerOptions
  readonly #keys: KeyRing

  constructor(options: SameAnswerOptions) {
    this.#options = options
    this.#keys = options.keys.derive('same answer')
  }

  /** Never fails: without it the question that comes again is refused. */
  async remember(
    attempt: Attempt,
    claim: Claim,
    enrolment: Enrolment | undefined,
    grant: RecentGrant,
  ): Promise<void> {
    // Only of a time step is it known when its code ends.
    if (claim.kind !== 'totp' || enrolment === undefined || enrolment.kind === 'hotp') return
    const { recent, withinMs, window, clock, log } = this.#options
    const codeEndsAt = (claim.step + 1 + window) * enrolment.period * 1000
    const ttlMs = Math.min(withinMs, codeEndsAt - clock.now())
    if (ttlMs <= 0) return
    try {
      await recent.put(this.#keyOf(attempt), grant, ttlMs)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      log.warn('same_answer.not_kept', { attempt: attempt.id, error })
    }
  }

  /** @returns what the same question was granted a moment ago. */
  async find(attempt: Attempt): Promise<RecentGrant | undefined> {
    try {
      return await this.#options.recent.get(this.#keyOf(attempt))
    } catch (error) {
      if (error instanceof Unavailable) return undefined
      throw error
    }
  }

  #keyOf({ name, gateway, address, state, session, typed }: Attempt): string {
    return this.#keys.sign(JSON.stringify([name.sent, gateway, address, state, session, typed.reveal()]))
  }
}
