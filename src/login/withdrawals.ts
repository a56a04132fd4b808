import type { AuditEvent } from '../domain/audit.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Admission, LoginStore, Withdrawal } from '../domain/login-records.ts'
import type { Runtime } from '../domain/runtime.ts'

export interface WithdrawalsOptions extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  readonly records: Pick<LoginStore, 'withdraw'>
  /** Milliseconds between two tries; half a second where absent. */
  readonly everyMs?: number
}

/** A kilobyte each. A database that hangs holds as many as it has connections, and a few more for each time. */
const MAX_PENDING = 1000

/**
 * Logins that were refused although their admission had been sent to the records: whether it was stored, or will be, is
 * not known. As soon as the records answer, each is taken back. They are kept in memory: after `kill -9` the session of
 * such a login stays until its lease is stale.
 */
export class Withdrawals {
  readonly #options: WithdrawalsOptions
  readonly #pending = new Set<Withdrawal>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()

  constructor(options: WithdrawalsOptions) {
    this.#options = options
  }

  /** @param refused the event of the refusal, which is written here. */
  add({ session, event }: Admission, refused: AuditEvent): void {
    const { clock, random, log, everyMs = 500 } = this.#options
    if (this.#pending.size >= MAX_PENDING) {
      log.error('login.not_withdrawn', { session: session?.id, event: event.id, pending: MAX_PENDING })
      return
    }
    const about = session === undefined ? '' : `: session ${session.id} has ended`
    this.#pending.add({
      session: session?.id,
      refused: { ...refused, id: event.id },
      withdrawn: {
        ...refused,
        id: random.id(),
        at: clock.now(),
        kind: 'login.withdrawn',
        detail: `stored after it was refused${about}`,
      },
    })
    void this.#next()
    this.#timer ??= setInterval(() => this.#next(), everyMs).unref()
  }

  /** Tries once more, and reports what is left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#next()
    for (const { session, refused } of this.#pending)
      this.#options.log.error('login.not_withdrawn', { session, event: refused.id })
  }

  #next(): Promise<void> {
    this.#round = this.#round.then(() => this.#takeBack())
    return this.#round
  }

  async #takeBack(): Promise<void> {
    const { records, log } = this.#options
    for (const withdrawal of this.#pending) {
      const { session, refused } = withdrawal
      try {
        const wasStored = await records.withdraw(withdrawal)
        if (wasStored) log.warn('login.withdrawn', { session, event: refused.id, user: refused.user })
      } catch (error) {
        if (error instanceof Unavailable) return
        log.error('login.not_withdrawn', { session, event: refused.id, error })
      }
      this.#pending.delete(withdrawal)
    }
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
