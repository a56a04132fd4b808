import { setTimeout as sleep } from 'node:timers/promises'
import { ask, loginRequest } from '../../real/radius-socket.ts'
import { isOfALock } from './locks.ts'
import type { Broker } from './site.ts'
import type { Told } from './told.ts'

export interface ProberOptions {
  readonly broker: Broker
  /** Without an authenticator. */
  readonly user: string
  readonly password: string
  /** Always the same one, and nobody else's: it has one guess at a time. */
  readonly from: string
  readonly told: Told
}

/** Longer than any wait that could be explained. */
const LONGEST_MS = 30_000

/** Somebody who is right and logs in at one broker again and again, so that one login is under way at most kills. */
export class Prober {
  readonly #options: ProberOptions
  readonly #working: Promise<void>
  /** Who wait for a login that began after this, in milliseconds. */
  readonly #waiting = new Set<{ readonly since: number; readonly resolve: (ms: number) => void }>()
  /** What the last login came to, in words. */
  #last = 'nothing yet'
  #isOver = false

  constructor(options: ProberOptions) {
    this.#options = options
    this.#working = this.#work()
  }

  get broker(): Broker {
    return this.#options.broker
  }

  /** @returns milliseconds from now until a login is accepted that began after now. */
  async accepted(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#waiting.add({ since: performance.now(), resolve })
    const late = new AbortController()
    const tooLate = sleep(LONGEST_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`nobody got in within ${LONGEST_MS} ms: ${this.#last}`)
    })
    try {
      return await Promise.race([promise, tooLate])
    } finally {
      late.abort()
      await tooLate.catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  async #work(): Promise<void> {
    const { broker, user, password, from, told } = this.#options
    const { authPort, secret } = broker.installation
    while (!this.#isOver) {
      const begun = performance.now()
      const request = loginRequest({ secret, user, password, from })
      const reply = await ask(authPort, request, { tries: 1, until: broker.until() })
      this.#last = `${reply?.code} ${reply?.message}`
      if (reply !== undefined && isOfALock(reply)) told.wrongs.push(`${user} was never wrong: ${this.#last}`)
      if (reply?.code === 'Access-Accept') this.#accept(begun)
      await sleep(20)
    }
  }

  #accept(begun: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.since > begun) continue
      this.#waiting.delete(waiting)
      waiting.resolve(performance.now() - waiting.since)
    }
  }
}
