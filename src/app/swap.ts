import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { messageOf } from '../domain/errors.ts'
import type { RadiusServer } from '../transport/radius-server.ts'
import type { TlsListeners } from '../transport/tls-listeners.ts'
import { checkIdentities } from './check-identities.ts'
import { buildGeneration, type Generation, ledgerRules, type ProcessParts } from './generation.ts'
import type { HttpListener } from './http-listener.ts'

interface SwapParts extends ProcessParts {
  readonly server: RadiusServer
  readonly http: HttpListener
  readonly tls: TlsListeners | undefined
}

/** A configuration that was built and tried. */
interface Prepared {
  commit(): void
  discard(): Promise<void>
}

/** For what HTTP requests add to the deadline of a login: reading the request. */
const HTTP_WITHIN_MS = 10_000
const RETRY_MS = 1000

/** Swaps the configuration of a running process: builds the next one beside the present one, tries it, and takes it. */
export class Swap {
  readonly #parts: SwapParts
  #current: Generation
  #preparing: Promise<Prepared> | undefined
  #prepared: Prepared | undefined
  /** Resolves when all that were dropped are closed. */
  #dropped: Promise<unknown> = Promise.resolve()
  #hasEnded = false
  /** Generations that requests in flight may still use. */
  readonly #retired = new Set<Generation>()

  constructor(first: Generation, parts: SwapParts) {
    this.#current = first
    this.#parts = parts
  }

  /** By which it serves now. */
  get config(): Config {
    return this.#current.config
  }

  /** What it serves by now. */
  get serving(): Pick<Generation, 'config' | 'store'> {
    return this.#current
  }

  /** Builds and tries everything that the configuration describes. @throws Error with every fault, for the operator. */
  async prepare(config: Config): Promise<void> {
    await this.discard()
    if (this.#hasEnded) throw new Error('the broker is being stopped')
    const preparing = this.#build(config)
    this.#preparing = preparing
    try {
      const prepared = await preparing
      if (this.#preparing !== preparing) throw new Error('the configuration was dropped before it was ready')
      this.#prepared = prepared
    } finally {
      if (this.#preparing === preparing) this.#preparing = undefined
    }
  }

  /**
   * From the next request on the prepared configuration counts; requests in flight end by the one before.
   * @throws Error if none is prepared: this process would go on with another configuration than it was told.
   */
  commit(): void {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (this.#hasEnded) void prepared?.discard()
    else if (prepared === undefined) throw new Error('no configuration is prepared')
    else prepared.commit()
  }

  /** Drops the prepared configuration, or the one that is being prepared, as soon as it has been built. */
  async discard(): Promise<void> {
    const prepared = this.#prepared
    const preparing = this.#preparing
    this.#prepared = undefined
    this.#preparing = undefined
    const late = preparing?.then(
      (built) => built.discard(),
      () => undefined,
    )
    // One after another: the next one may want the same port.
    this.#dropped = Promise.all([this.#dropped, prepared?.discard(), late])
    await this.#dropped
  }

  /** No configuration is taken any more. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await this.discard()
  }

  /** Closes what the configurations use, once nothing is in flight. */
  async release(): Promise<void> {
    await Promise.all([this.#current, ...this.#retired].map(({ store }) => store.release()))
  }

  async #build(config: Config): Promise<Prepared> {
    const { server, http, tls, ledger, runtime } = this.#parts
    const { tls: radsec } = config.radius
    await using made = new AsyncDisposableStack()
    const store = await this.#current.store.with(config)
    made.defer(() => store.release())
    const next = await buildGeneration(config, store, this.#parts, this.#current)
    const tried = await Promise.allSettled([
      http.prepare(next.http),
      checkIdentities(store, runtime.log),
      radsec && tls?.prepare(radsec),
      store.records.leases.usage(),
    ])
    const [nextHttp, , nextTls] = tried
    if (nextHttp.status === 'fulfilled') made.defer(nextHttp.value.discard)
    const faults = tried.flatMap((each) => (each.status === 'rejected' ? [messageOf(each.reason)] : []))
    if (faults.length > 0 || nextHttp.status === 'rejected' || nextTls.status === 'rejected')
      throw new Error(faults.join('\n'))
    const unused = made.move()
    return {
      commit: () => {
        const before = this.#current
        this.#current = next
        server.use(next.radius)
        nextTls.value?.()
        ledger.use(ledgerRules(next.config))
        nextHttp.value.commit()
        before.store.takeKeys(store.keys)
        void this.#layOut(next)
        const { log } = runtime
        const forget = next.radius.gateways.takeEffect()
        forget.catch((error: unknown) => log.warn('gateway.not_forgotten', { error }))
        this.#retire(before)
      },
      discard: () => unused.disposeAsync(),
    }
  }

  /** Logins wait for it, until their deadline. */
  async #layOut(next: Generation): Promise<void> {
    while (this.#current === next && !this.#hasEnded) {
      try {
        await next.layOut()
        return
      } catch (error) {
        this.#parts.runtime.log.error('pools.not_laid_out', { error })
        await sleep(RETRY_MS, undefined, { ref: false })
      }
    }
  }

  #retire(before: Generation): void {
    this.#retired.add(before)
    const release = () => {
      this.#retired.delete(before)
      void before.store.release()
    }
    setTimeout(release, before.config.radius.deadlineMs + HTTP_WITHIN_MS).unref()
  }
}
