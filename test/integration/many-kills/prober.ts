import { setTimeout as sleep } from 'node:timers/promises'
import { ask, loginRequest } from '../../real/radius-socket.ts'
import type { Acknowledged } from './acknowledged.ts'
import { isOfALock } from './locks.ts'
import type { Broker } from './site.ts'

export interface ProberOptions {
  readonly broker: Broker
  /** Without an authenticator. */
  readonly user: string
  readonly password: string
  /** Always the same one, and nobody else's: it has one guess at a time. */
  readonly from: string
  readonly acknowledged: Acknowledged
}

/** Longer than any wait that could be explained. */
const MAX_MS = 30_000

/** Somebody who is right and logs in at one broker again and again, so that one login is under way at most kills. */
export class Prober {
  readonly #options: ProberOptions
  readonly #working: Promise<void>
  /** Callers that wait for a login that began after this moment, in milliseconds. */
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
    const tooLate = sleep(MAX_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`nobody got in within ${MAX_MS} ms: ${this.#last}`)
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
    const { broker, user, password, from, acknowledged } = this.#options
    const { authPort, secret } = broker.installation
    while (!this.#isOver) {
      const startedAt = performance.now()
      const request = loginRequest({ secret, user, password, from })
      const reply = await ask(authPort, request, { tries: 1, until: broker.until() })
      this.#last = `${reply?.code} ${reply?.message}`
      if (reply !== undefined && isOfALock(reply))
        acknowledged.wrongs.push(`${user} was never wrong: ${this.#last}`)
      if (reply?.code === 'Access-Accept') this.#accept(startedAt)
      await sleep(20)
    }
  }

  #accept(startedAt: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.since > startedAt) continue
      this.#waiting.delete(waiting)
      waiting.resolve(performance.now() - waiting.since)
    }
  }
}
