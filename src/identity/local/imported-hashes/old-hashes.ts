import { Worker } from 'node:worker_threads'
import { systemClock } from '../../../domain/clock.ts'
import type { Secret } from '../../../domain/secret.ts'
import { ConcurrencyLimit } from '../../../pacing/concurrency-limit.ts'
import type { RpcChannel } from '../../../rpc/channel.ts'
import { channelToThread } from '../../../rpc/ends.ts'
import { throwUnavailable } from '../../shed-error.ts'

export interface OldHashOptions {
  /** Checks at the same time, each in a thread of its own. A thread is started when it is first needed. */
  readonly threads: number
  /** Checks that may wait for a thread; one more is refused at once. */
  readonly waiting: number
  /** Milliseconds after which a check is given up and its thread ended. */
  readonly patienceMs?: number
}

export interface OldHashCheck {
  readonly stored: string
  readonly password: Uint8Array
}

interface Thread {
  readonly worker: Worker
  readonly channel: RpcChannel
}

const WHAT = 'password checks'
const ENTRY = new URL('./thread.ts', import.meta.url)

/** Checks passwords against hashes that other programs made, in threads: a check keeps its thread busy throughout. */
export class OldHashes {
  readonly #limit: ConcurrencyLimit
  readonly #shed: ReturnType<typeof throwUnavailable>
  readonly #patienceMs: number
  readonly #idle: Thread[] = []

  constructor({ threads, waiting, patienceMs = 10_000 }: OldHashOptions) {
    this.#limit = new ConcurrencyLimit({ parallel: threads, waiting })
    this.#shed = throwUnavailable(WHAT, waiting)
    this.#patienceMs = patienceMs
  }

  /** @throws Unavailable if too many checks wait already, or the check takes too long. */
  verify(stored: string, password: Secret): Promise<boolean> {
    return this.#limit.run(async () => {
      const thread = this.#idle.pop() ?? this.#start()
      const { worker, channel } = thread
      worker.ref()
      try {
        const check: OldHashCheck = { stored, password: password.bytes() }
        const isRight = (await channel.call('verify', check)) === true
        // A thread with nothing to do must not keep the process alive.
        worker.unref()
        this.#idle.push(thread)
        return isRight
      } catch (error) {
        void worker.terminate()
        throw error
      }
    }, this.#shed)
  }

  /** Ends the threads that have nothing to do. Those that are busy must have finished before. */
  close(): void {
    for (const { worker } of this.#idle.splice(0)) void worker.terminate()
  }

  #start(): Thread {
    const worker = new Worker(ENTRY)
    const channel = channelToThread(worker, {
      name: WHAT,
      clock: systemClock,
      timeoutMs: this.#patienceMs,
    })
    worker.on('error', () => channel.close('a thread failed'))
    worker.on('exit', () => {
      channel.close('a thread ended')
      const at = this.#idle.findIndex((thread) => thread.worker === worker)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return { worker, channel }
  }
}
