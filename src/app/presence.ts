import packageFile from '../../package.json' with { type: 'json' }
import type { Config } from '../config/schema.ts'
import { Unavailable } from '../domain/errors.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { ServingBrokerStore } from '../domain/serving-broker.ts'
import { measureClock } from './clock-ahead.ts'
import { fingerprintOf, nameOfBroker } from './fingerprint.ts'

export interface PresenceOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly brokers: ServingBrokerStore
  readonly keys: KeyRing
  /** The present one. */
  readonly config: () => Config
}

/** How often it is seen whether another configuration is served. */
const LOOK_EVERY_MS = 1000
const RENEW_EVERY_MS = 30_000
/** A broker that was not heard for so long is forgotten. */
const LIFE_MS = 24 * 3_600_000

/** Says in the records that this broker serves by them, and how: doctor compares it with the others. */
export class Presence {
  readonly #options: PresenceOptions
  readonly #name: string
  readonly #timer: NodeJS.Timeout
  #said: Config | undefined
  #renewAt = Number.NEGATIVE_INFINITY
  #saying: Promise<void> | undefined

  private constructor(options: PresenceOptions) {
    this.#options = options
    this.#name = nameOfBroker(options.config())
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
    this.#look()
  }

  static start(options: PresenceOptions): Presence {
    return new Presence(options)
  }

  /** Takes back what it said. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#saying
    await this.#guarded(() => this.#options.brokers.remove(this.#name))
  }

  #look(): void {
    const { clock, config } = this.#options
    if (this.#saying !== undefined || (this.#said === config() && clock.monotonic() < this.#renewAt)) return
    this.#saying = this.#guarded(() => this.#say()).finally(() => {
      this.#saying = undefined
    })
  }

  async #say(): Promise<void> {
    const { brokers, clock, keys, config } = this.#options
    const present = config()
    // Also after an outage it is tried again only then.
    this.#renewAt = clock.monotonic() + RENEW_EVERY_MS
    const measured = await measureClock(() => brokers.time(), clock)
    if (measured === undefined) return
    const { now: seenAt, aheadMs } = measured
    await brokers.note({
      name: this.#name,
      version: packageFile.version,
      seenAt,
      aheadMs,
      ...fingerprintOf(present, keys),
    })
    this.#said = present
    await brokers.forget(seenAt - LIFE_MS)
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // Whoever needs the records more says that they are away.
      if (!(error instanceof Unavailable)) this.#options.log.warn('broker.not_noted', { error })
    }
  }
}
