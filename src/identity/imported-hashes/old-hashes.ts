import { Worker } from 'node:worker_threads'
import { Unavailable } from '../../domain/person.ts'
import type { Secret } from '../../domain/secret.ts'
import { Turns } from '../turns.ts'
import type { OldHashCheck } from './calls.ts'

export interface OldHashOptions {
  /** Checks at the same time, each in a thread of its own, which is started when it is first needed. */
  readonly threads: number
  /** Checks that may wait for a thread; one more is refused at once. */
  readonly waiting: number
  /** Milliseconds after which a check is given up and its thread ended. */
  readonly patienceMs?: number
}

const WHAT = 'password checks'
const ENTRY = new URL('./thread.ts', import.meta.url)

/** Checks passwords against hashes that other programs made, in threads: such a check keeps its thread busy throughout. */
export class OldHashes {
  readonly #turns: Turns
  readonly #patienceMs: number
  readonly #idle: Worker[] = []

  constructor({ threads, waiting, patienceMs = 10_000 }: OldHashOptions) {
    this.#turns = new Turns({ what: WHAT, parallel: threads, waiting })
    this.#patienceMs = patienceMs
  }

  /** @throws Unavailable where too many checks wait already, or the check takes too long. */
  verify(stored: string, password: Secret): Promise<boolean> {
    return this.#turns.take(async () => {
      const worker = this.#idle.pop() ?? this.#start()
      worker.ref()
      const right = await this.#ask(worker, { stored, password: password.bytes() })
      // A thread with nothing to do must not keep the process alive.
      worker.unref()
      this.#idle.push(worker)
      return right
    })
  }

  #start(): Worker {
    const worker = new Worker(ENTRY)
    // Whoever waits for it hears of it; with nobody waiting it is only not to be used again.
    worker.on('error', () => {})
    worker.on('exit', () => {
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return worker
  }

  /** A thread that did not answer is not used again. */
  async #ask(worker: Worker, check: OldHashCheck): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const failed = (why: string, cause?: unknown) => reject(new Unavailable(WHAT, why, { cause }))
    const onError = (error: unknown) => failed('a thread failed', error)
    const onExit = () => failed('a thread ended')
    const timer = setTimeout(
      () => failed(`an imported hash took over ${this.#patienceMs} ms`),
      this.#patienceMs,
    )
    worker.once('message', resolve).once('error', onError).once('exit', onExit)
    worker.postMessage(check)
    try {
      return await promise
    } catch (error) {
      void worker.terminate()
      throw error
    } finally {
      clearTimeout(timer)
      worker.off('message', resolve).off('error', onError).off('exit', onExit)
    }
  }
}
