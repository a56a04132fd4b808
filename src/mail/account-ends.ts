import type { Log } from '../domain/log.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { UserStore } from '../domain/user.ts'
import type { Queueing } from './queueing.ts'

export interface AccountEndsOptions extends Pick<Runtime, 'clock'> {
  readonly users: Pick<UserStore, 'ending'>
  readonly queueing: Pick<Queueing, 'add'>
  /** Milliseconds before the end. */
  readonly warnBeforeMs: number
  readonly log: Log
  /** Milliseconds to the first look, and between two. */
  readonly firstMs?: number
  readonly everyMs?: number
}

const PAGE = 200

/** Tells local users that their account ends soon: each end once, whichever brokers look for it. */
export class AccountEnds {
  readonly #options: AccountEndsOptions
  #timer: NodeJS.Timeout | undefined
  #look: Promise<void> | undefined
  #hasEnded = false

  private constructor(options: AccountEndsOptions) {
    this.#options = options
  }

  static start(options: AccountEndsOptions): AccountEnds {
    const ends = new AccountEnds(options)
    ends.#after(options.firstMs ?? 5000)
    return ends
  }

  async stop(): Promise<void> {
    this.#hasEnded = true
    clearTimeout(this.#timer)
    await this.#look
  }

  #after(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#look = this.#lookThrough().finally(() => {
        if (!this.#hasEnded) this.#after(this.#options.everyMs ?? 3_600_000)
      })
    }, ms).unref()
  }

  async #lookThrough(): Promise<void> {
    const { users, queueing, warnBeforeMs, clock, log } = this.#options
    const now = clock.now()
    let after: string | undefined
    try {
      while (!this.#hasEnded) {
        const page = await users.ending({ now, before: now + warnBeforeMs, after, limit: PAGE })
        for (const { name, expiresAt } of page) {
          const cause = [name, String(expiresAt)]
          await queueing.add({ kind: 'account_ends', name, at: expiresAt, cause }, now)
        }
        after = page.at(-1)?.name
        if (page.length < PAGE) return
      }
    } catch (error) {
      log.warn('mail.ends_not_read', { error })
    }
  }
}
