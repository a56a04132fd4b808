import { lookup } from 'node:dns/promises'
import { messageOf } from '../domain/errors.ts'
import type { Runtime } from '../domain/runtime.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'

export interface GatewayNamesOptions extends Pick<Runtime, 'clock' | 'log'> {
  /** As the system answers, /etc/hosts included. */
  readonly lookUp?: (name: string) => Promise<readonly string[]>
}

interface Answer {
  readonly addresses: readonly string[]
  /** Monotonic milliseconds of the next look-up. */
  readonly nextAt: number
}

const GOOD_FOR_MS = 60_000
const RETRY_MS = 5000
/** A start or a reload waits no longer for names that it has no answer of. */
const PATIENCE_MS = 2000

/** The addresses of gateways that are known by a DNS name. What a name server answered last counts until it answers again. */
export class GatewayNames {
  readonly #options: GatewayNamesOptions
  readonly #throttle: LogThrottle
  readonly #answers = new Map<string, Answer>()
  #names: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #version = 0

  constructor(options: GatewayNamesOptions) {
    this.#options = options
    this.#throttle = new LogThrottle(options)
  }

  /** Changes with the answers. */
  get version(): number {
    return this.#version
  }

  addressesOf(name: string): readonly string[] {
    return this.#answers.get(name)?.addresses ?? []
  }

  /** Looks these names up beside the present ones, and waits a moment for those that have no answer yet. */
  async add(names: Iterable<string>): Promise<void> {
    this.#names = new Set([...this.#names, ...names])
    if (this.#names.size === 0) return
    this.#timer ??= setInterval(() => void this.lookUpDue(), RETRY_MS).unref()
    const patience = Promise.withResolvers<void>()
    const timer = setTimeout(patience.resolve, PATIENCE_MS)
    await Promise.race([this.lookUpDue(), patience.promise])
    clearTimeout(timer)
  }

  /** No other name is looked up any more. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#names = names
    for (const name of this.#answers.keys()) if (!names.has(name)) this.#answers.delete(name)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** One name after the other: a look-up holds one of the few threads that also hash passwords. */
  lookUpDue(): Promise<void> {
    this.#looking ??= this.#lookUpAll().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookUpAll(): Promise<void> {
    const { clock } = this.#options
    for (const name of this.#names) {
      const known = this.#answers.get(name)
      if (known === undefined || known.nextAt <= clock.monotonic()) await this.#lookUp(name, known)
    }
  }

  async #lookUp(name: string, before: Answer | undefined): Promise<void> {
    const { lookUp = askSystem, log, clock } = this.#options
    try {
      const addresses = [...new Set(await lookUp(name))].sort()
      if (addresses.length === 0) throw new Error('it has no address')
      this.#answers.set(name, { addresses, nextAt: clock.monotonic() + GOOD_FOR_MS })
      if (addresses.join() === before?.addresses.join()) return
      this.#version += 1
      log.info('gateway.addresses', { name, addresses })
    } catch (error) {
      const addresses = before?.addresses ?? []
      this.#answers.set(name, { addresses, nextAt: clock.monotonic() + RETRY_MS })
      this.#throttle.tell(name, (suppressed) =>
        log.error('gateway.name_not_found', { name, before: suppressed, error: messageOf(error), addresses }),
      )
    }
  }
}

async function askSystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}
