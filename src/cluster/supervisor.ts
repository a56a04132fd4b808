import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import { WorkerProcess } from './worker-process.ts'

export interface SupervisorOptions {
  readonly workers: number
  /** The module that each of them runs. */
  readonly entry: URL
  /** The sockets of one of them. */
  readonly fdsOf: (number: number) => Promise<readonly number[]>
  /** Answers what a worker asks. */
  readonly handle: (method: string, argument: unknown, pid: number) => Promise<unknown>
  /** Called when a worker has ended, for whatever reason. */
  readonly ended: (pid: number) => void
  /** A name that no worker has had; its files on disk carry it. Process identifiers are used again. */
  readonly newName: () => string
  /** Names of workers, alive and dead, under which something is kept on disk. */
  readonly keptNames: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** What the worker with this number and this name is started with, in plain JSON. */
export type StartOptionsOf = (number: number, name: string) => unknown

interface Place {
  readonly number: number
  current: WorkerProcess | undefined
  /** How often the last ones ended soon after their start. */
  failures: number
}

const FIRST_RESTART_MS = 100
const MAX_RESTART_MS = 10_000
/** A worker that served for so long has not failed at its start. */
const STEADY_MS = 10_000
const PREPARE_WITHIN_MS = 60_000
const COMMIT_WITHIN_MS = 5_000
/** More than the longest `radius.deadline`. */
const END_WITHIN_MS = 75_000

/** Keeps a number of workers running over the same sockets, and gives all of them the same configuration. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #places: readonly Place[]
  readonly #alive = new Set<WorkerProcess>()
  readonly #starting = new Set<Promise<unknown>>()
  readonly #stopping = new AbortController()
  #startOptionsOf: StartOptionsOf = () => undefined
  /** Resolves when it is known by which configuration a worker is to start. */
  #decided: Promise<void> = Promise.resolve()
  #restarts = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#places = Array.from({ length: options.workers }, (_, number) => ({
      number,
      current: undefined,
      failures: 0,
    }))
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Workers that ended by themselves and were replaced. */
  get restarts(): number {
    return this.#restarts
  }

  get #serving(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ current }) => current ?? [])
  }

  /** Workers that serve now. */
  get running(): number {
    return this.#serving.length
  }

  /**
   * Starts the first, which makes what is missing, and then all others.
   * @returns what each says of itself. @throws OperatorError if one cannot serve; none is left then.
   */
  async start(startOptionsOf: StartOptionsOf): Promise<readonly unknown[]> {
    this.#startOptionsOf = startOptionsOf
    const [first, ...others] = this.#places
    if (first === undefined) return []
    try {
      const status = await this.#fill(first)
      return [status, ...(await Promise.all(others.map((place) => this.#fill(place))))]
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /**
   * Gives all workers another configuration: all of them prepare it and then all commit it, or none does. A worker that
   * ends before it has committed is replaced by one that starts with the configuration that was decided on.
   * @param committing called when all have prepared, before the first commits.
   * @throws Error if one of them cannot take it: all go on with the one before.
   */
  async reload(config: unknown, startOptionsOf: StartOptionsOf, committing: () => void): Promise<void> {
    const decided = Promise.withResolvers<void>()
    this.#decided = decided.promise
    try {
      // A worker that is being started gets the configuration before, and then this one with the others.
      await Promise.allSettled(this.#starting)
      const workers = this.#serving
      const prepared = await Promise.allSettled(
        workers.map(({ channel }) => channel.call('prepare', config, PREPARE_WITHIN_MS)),
      )
      const faults = new Set(
        prepared.flatMap((each) => (each.status === 'rejected' ? [messageOf(each.reason)] : [])),
      )
      if (this.#isStopping) faults.add('the broker is being stopped')
      if (faults.size > 0) {
        await Promise.allSettled(workers.map(({ channel }) => channel.call('discard')))
        throw new Error([...faults].join('\n'))
      }
      committing()
      this.#startOptionsOf = startOptionsOf
      await Promise.all(workers.map((worker) => this.#commit(worker)))
    } finally {
      decided.resolve()
    }
  }

  /** Each worker answers what is in flight and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#alive].map((worker) => worker.end(END_WITHIN_MS)))
  }

  /** Asks every worker that serves. @returns the answers of those that gave one. */
  async askAll(method: string): Promise<readonly unknown[]> {
    const answers = await Promise.allSettled(this.#serving.map(({ channel }) => channel.call(method)))
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  /** Tells all workers but one. */
  broadcast(method: string, argument: unknown, exceptPid?: number): void {
    for (const { pid, channel } of this.#alive)
      if (pid !== exceptPid) channel.call(method, argument).catch(() => undefined)
  }

  /** A worker that has prepared but does not commit must not serve by another configuration than the others. */
  async #commit(worker: WorkerProcess): Promise<void> {
    try {
      await worker.channel.call('commit', undefined, COMMIT_WITHIN_MS)
    } catch (error) {
      this.#options.log.error('worker.not_committed', { pid: worker.pid, error })
      if (!this.#isStopping) await worker.end(0)
    }
  }

  #spawn(place: Place, name: string, fds: readonly number[]): WorkerProcess {
    const { entry, handle, ended, clock, log } = this.#options
    const { number } = place
    const worker: WorkerProcess = new WorkerProcess({
      entry,
      fds,
      name,
      handle: (method, argument) => handle(method, argument, worker.pid),
      clock,
    })
    this.#alive.add(worker)
    void worker.ended.then(({ code, signal }) => {
      this.#alive.delete(worker)
      ended(worker.pid)
      if (place.current !== worker) return
      place.current = undefined
      if (this.#isStopping) return
      log.error('worker.ended', { worker: number, pid: worker.pid, code, signal })
      this.#restarts += 1
      place.failures = clock.monotonic() - worker.startedAt < STEADY_MS ? place.failures + 1 : 1
      void this.#refill(place)
    })
    return worker
  }

  /** Starts a worker where there is none. @returns what it says of itself. @throws OperatorError */
  async #fill(place: Place): Promise<unknown> {
    await this.#decided
    if (this.#isStopping) throw new OperatorError('all workers are being stopped')
    const filled = this.#startIn(place)
    this.#starting.add(filled)
    return filled.finally(() => this.#starting.delete(filled))
  }

  async #startIn(place: Place): Promise<unknown> {
    const { fdsOf, newName } = this.#options
    const fds = await fdsOf(place.number)
    if (this.#isStopping) throw new OperatorError('all workers are being stopped')
    const name = newName()
    const worker = this.#spawn(place, name, fds)
    const status = await worker.start(this.#startOptionsOf(place.number, name))
    place.current = worker
    this.#options.log.info('worker.serving', { worker: place.number, pid: worker.pid })
    const left = this.#options.keptNames().filter((kept) => !this.#isKeptByWorker(kept))
    for (const kept of left) worker.keeps.add(kept)
    worker.channel.call('adopt', left).catch(() => undefined)
    return status
  }

  #isKeptByWorker(name: string): boolean {
    return [...this.#alive].some(({ keeps }) => keeps.has(name))
  }

  /** Never gives up while the broker runs. */
  async #refill(place: Place): Promise<void> {
    while (!this.#isStopping && place.current === undefined) {
      const pauseMs = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (place.failures - 1))
      // If all have ended at once, nothing but this timer keeps the process.
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#isStopping) return
      try {
        await this.#fill(place)
      } catch (error) {
        place.failures += 1
        this.#options.log.error('worker.not_started', { worker: place.number, error })
      }
    }
  }
}
