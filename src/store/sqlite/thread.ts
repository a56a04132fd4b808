import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../domain/clock.ts'
import { messageOf, Unavailable } from '../../domain/errors.ts'
import type { RpcChannel } from '../../rpc/channel.ts'
import { channelToThread } from '../../rpc/ends.ts'

/** Milliseconds after which a thread that has ended by itself is started again. */
const RESTART_AFTER = 500

interface ThreadOptions {
  /** The module that the thread runs. It answers `open` and `close`. */
  readonly entry: URL
  /** The argument of `open`. */
  readonly data: unknown
  /** Calls without an answer yet; more are refused at once. */
  readonly maxWaiting: number
}

/** This side of a thread that answers calls. A thread that ends by itself is replaced; what waited for it has failed. */
export class StoreThread {
  readonly #options: ThreadOptions
  #channel: RpcChannel | undefined
  #worker: Worker | undefined
  #isClosing = false

  private constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** @throws Error with the thread's own words where it refuses to serve. */
  static async start(options: ThreadOptions): Promise<StoreThread> {
    const thread = new StoreThread(options)
    await thread.#start()
    return thread
  }

  /** Whether it takes no more calls. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  /** @throws Unavailable, or what the method throws. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#channel === undefined || this.#isClosing)
      return Promise.reject(new Unavailable('storage', 'the store is not open'))
    return this.#channel.call(method, args)
  }

  /** Takes nothing more from now on. @returns when everything that waited has its answer. */
  async finish(): Promise<void> {
    this.#isClosing = true
    await this.#channel?.idle()
  }

  /** Finishes, then ends the thread. */
  async close(): Promise<void> {
    await this.finish()
    // A thread that has died meanwhile has nothing left to close.
    await this.#channel?.call('close').catch(() => {})
    await this.#worker?.terminate()
  }

  async #start(): Promise<void> {
    const { entry, data, maxWaiting } = this.#options
    const worker = new Worker(entry)
    const channel = channelToThread(worker, {
      name: 'storage',
      clock: systemClock,
      maxWaiting,
      // The thread itself refuses what has waited for too long. What it has begun must not be taken for lost.
      timeoutMs: Number.POSITIVE_INFINITY,
    })
    let why = 'its thread ended'
    worker.on('error', (error) => {
      why = `its thread failed: ${messageOf(error)}`
    })
    worker.on('exit', () => channel.close(why))
    try {
      await channel.call('open', data)
    } catch (error) {
      await worker.terminate()
      throw error
    }
    worker.on('exit', () => void this.#replace())
    this.#worker = worker
    this.#channel = channel
  }

  async #replace(): Promise<void> {
    this.#channel = undefined
    this.#worker = undefined
    while (!this.#isClosing && this.#channel === undefined) {
      await sleep(RESTART_AFTER, undefined, { ref: false })
      // Refused again and again while the fault lasts: until then every call says that the store is not open.
      if (!this.#isClosing) await this.#start().catch(() => {})
    }
    if (this.#isClosing) await this.close()
  }
}
