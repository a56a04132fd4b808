import { type ChildProcess, fork } from 'node:child_process'
import type { Clock } from '../domain/clock.ts'
import { messageOf, OperatorError, Unavailable } from '../domain/errors.ts'
import type { RpcChannel } from '../rpc/channel.ts'
import { channelToProcess } from '../rpc/ends.ts'

export interface WorkerProcessOptions {
  /** The module that it runs. */
  readonly entry: URL
  /** Descriptors of this process that it gets as 4, 5 … */
  readonly fds: readonly number[]
  /** A name that no other process ever has. */
  readonly name: string
  /** Answers what it asks. */
  readonly handle: (method: string, argument: unknown) => Promise<unknown>
  readonly clock: Clock
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** For opening the records, asking every identity store, listening, and the records' pools. */
const START_WITHIN_MS = 90_000
/** For a worker that does not serve to write its log. */
const REFUSED_WITHIN_MS = 2_000
const NAME = 'worker'

/** One worker, from its start to its end. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly channel: RpcChannel
  readonly pid: number
  readonly startedAt: number
  readonly ended: Promise<Ended>
  /** Its own name and those of workers that have ended, whose files it takes care of. */
  readonly keeps: Set<string>

  constructor({ entry, fds, name, handle, clock }: WorkerProcessOptions) {
    this.keeps = new Set([name])
    this.#child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds] })
    // A process that could not be started has none.
    this.pid = this.#child.pid ?? 0
    this.startedAt = clock.monotonic()
    this.channel = channelToProcess(this.#child, { name: NAME, handle, clock })
    const ended = Promise.withResolvers<Ended>()
    this.#child.on('error', () => {
      if (this.#child.pid === undefined) ended.resolve({ code: null, signal: null })
    })
    this.#child.on('exit', (code, signal) => {
      const end = () => ended.resolve({ code, signal })
      // Its last message may not have been read yet.
      if (this.#child.connected) this.#child.once('disconnect', end)
      else end()
    })
    this.ended = ended.promise
    void this.ended.then(() => this.channel.close())
  }

  /** @returns what it says of itself when it serves. @throws OperatorError; the worker has ended then. */
  async start(options: unknown): Promise<unknown> {
    try {
      return await this.channel.call('start', options, START_WITHIN_MS)
    } catch (error) {
      await this.end(REFUSED_WITHIN_MS)
      const { code, signal } = await this.ended
      const isGone = error instanceof Unavailable && error.what === NAME
      const how = `a worker did not start: ${messageOf(error)} (${signal ?? `exit code ${code}`})`
      throw new OperatorError(isGone ? how : messageOf(error), { cause: error })
    }
  }

  /** Resolves when it has answered what is in flight and has ended. It is killed if that takes longer than `withinMs`. */
  async end(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs)
    // When it answers, all its messages have been read; without its parent it ends.
    const stopped = this.channel.call('stop', undefined, withinMs)
    stopped.then(
      () => this.#child.connected && this.#child.disconnect(),
      () => undefined,
    )
    await this.ended
    clearTimeout(timer)
  }
}
