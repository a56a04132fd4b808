import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Unavailable } from '../../domain/person.ts'
import {
  type Access,
  type Answer,
  type Call,
  errorOf,
  type FromStore,
  failureOf,
  type ToStore,
} from './calls.ts'

/** Milliseconds after which a thread that has ended by itself is started again. */
const RESTART_AFTER = 500

interface ThreadOptions {
  /** The module that the thread runs. */
  readonly entry: URL
  /** Given to it as it is. */
  readonly data: unknown
  /** Calls without an answer yet; more are refused at once. */
  readonly maxWaiting: number
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** This side of a thread that answers calls. A thread that ends by itself is replaced; what waited for it has failed. */
export class StoreThread {
  readonly #options: ThreadOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #unsent: Call[] = []
  #nextId = 0
  #isClosing = false
  #whenIdle: (() => void) | undefined

  private constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** @throws Error with the thread's own words where it refuses to serve. */
  static async start(options: ThreadOptions): Promise<StoreThread> {
    const thread = new StoreThread(options)
    await thread.#start()
    return thread
  }

  /** @throws Unavailable, or what the method throws. */
  call(access: Access, noun: string, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#worker === undefined || this.#isClosing) {
      return Promise.reject(new Unavailable('storage', 'the store is not open'))
    }
    if (this.#waiting.size >= this.#options.maxWaiting) {
      return Promise.reject(new Unavailable('storage', `${this.#waiting.size} calls are waiting already`))
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      // One message for all calls of this turn: messages cost more than what is in them.
      if (this.#unsent.push({ id, access, noun, method, args }) === 1) setImmediate(() => this.#flush())
    })
  }

  /** Takes nothing more from now on. @returns when everything that waited has its answer. */
  async finish(): Promise<void> {
    this.#isClosing = true
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  /** Finishes, then ends the thread. */
  async close(): Promise<void> {
    await this.finish()
    if (this.#worker !== undefined) await end(this.#worker)
  }

  async #start(): Promise<void> {
    const worker = new Worker(this.#options.entry, { workerData: this.#options.data })
    let why = 'its thread ended'
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromStore) => {
        if (message.kind === 'answers') this.#settle(message.answers)
        else if (message.kind === 'ready') resolve()
        else reject(new Error(message.message))
      })
      worker.on('error', (error) => {
        why = `its thread failed: ${error instanceof Error ? error.message : String(error)}`
      })
      worker.on('exit', () => reject(new Error(why)))
    })
    worker.on('exit', () => void this.#replace(why))
    this.#worker = worker
  }

  async #replace(why: string): Promise<void> {
    this.#worker = undefined
    this.#unsent = []
    for (const { reject } of this.#waiting.values()) reject(new Unavailable('storage', why))
    this.#forgetWaiting()
    while (!this.#isClosing && this.#worker === undefined) {
      await sleep(RESTART_AFTER, undefined, { ref: false })
      // Refused again and again while the fault lasts: until then every call says that the store is not open.
      await this.#start().catch(() => {})
    }
    if (this.#isClosing && this.#worker !== undefined) await end(this.#worker)
  }

  #flush(): void {
    const calls = this.#unsent
    this.#unsent = []
    if (calls.length === 0) return
    try {
      this.#post(calls)
    } catch {
      for (const call of calls) this.#sendAlone(call)
    }
  }

  /** One call that cannot be a message must not take those with it that came at the same moment. */
  #sendAlone(call: Call): void {
    try {
      this.#post([call])
    } catch (error) {
      this.#settle([{ id: call.id, failure: failureOf(error) }])
    }
  }

  #post(calls: readonly Call[]): void {
    this.#worker?.postMessage({ kind: 'calls', calls } satisfies ToStore)
  }

  #settle(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('failure' in answer) waiting?.reject(errorOf(answer.failure))
      else waiting?.resolve(answer.value)
    }
    if (this.#waiting.size === 0) this.#whenIdle?.()
  }

  #forgetWaiting(): void {
    this.#waiting.clear()
    this.#whenIdle?.()
  }
}

async function end(worker: Worker): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  worker.postMessage({ kind: 'close' } satisfies ToStore)
  await ended
}
