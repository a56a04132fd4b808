import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import { WorkerProcess, WorkerRefused } from './worker-process.ts'

export interface SupervisorOptions {
  readonly workers: number
  /** The module that each of them runs. */
  readonly entry: URL
  /** The sockets of one of them. */
  readonly fdsOf: (number: number) => readonly number[]
  /** Answers what a worker asks. */
  readonly answer: (what: string, about: unknown, pid: number) => Promise<unknown>
  /** Told that a worker has ended, however it did. */
  readonly ended: (pid: number) => void
  /** What a worker leaves behind, for the one that follows it. */
  readonly leftBy: (pid: number) => string
  readonly clock: Clock
  readonly log: Log
}

/** What the worker with this number is to do, in plain JSON. */
export type OrderFor = (number: number) => unknown

interface Place {
  readonly number: number
  current: WorkerProcess | undefined
  /** How often the last ones ended soon after their start. */
  failures: number
  /** What is being done about it, one thing after another. */
  turn: Promise<unknown>
}

const FIRST_RESTART_MS = 100
const LONGEST_RESTART_MS = 10_000
/** A worker that served for so long has not failed at its start. */
const STEADY_MS = 10_000
/** For opening the records, looking at every identity store, and compiling. */
const READY_WITHIN_MS = 60_000
const HAND_OVER_WITHIN_MS = 5_000
/** More than the longest `radius.deadline`. */
const END_WITHIN_MS = 75_000

/** Keeps so many workers going over the same sockets: replaces those that end, and all of them at a reload. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #places: readonly Place[]
  readonly #alive = new Set<WorkerProcess>()
  #order: OrderFor = () => undefined
  readonly #stopping = new AbortController()
  #restarts = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#places = Array.from({ length: options.workers }, (_, number) => ({
      number,
      current: undefined,
      failures: 0,
      turn: Promise.resolve(),
    }))
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Workers that ended by themselves and were replaced. */
  get restarts(): number {
    return this.#restarts
  }

  /** Workers that serve now. */
  get running(): number {
    return this.#places.filter(({ current }) => current !== undefined).length
  }

  /**
   * Starts the first, which makes what is missing, and then all others.
   * @param left what an earlier run left behind.
   * @returns what each says of itself. @throws WorkerRefused where one cannot serve; none is left then.
   */
  async start(order: OrderFor, left: readonly string[]): Promise<readonly unknown[]> {
    this.#order = order
    const [first, ...others] = this.#places
    if (first === undefined) return []
    try {
      const said = await this.#fill(first, left)
      return [said, ...(await Promise.all(others.map((place) => this.#fill(place, []))))]
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /**
   * Replaces one after another. The new one is ready before the old one lets go, and takes over what that one knew.
   * @throws WorkerRefused where the first new one cannot serve; nothing has changed then.
   */
  async reload(order: OrderFor): Promise<void> {
    for (const place of this.#places) {
      const done = place.turn.then(() => this.#replace(place, order))
      place.turn = done.catch(() => undefined)
      await done
    }
  }

  /** Each answers what is in flight and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const worker of this.#alive) {
      worker.isLeaving = true
      worker.tell({ kind: 'stop' })
    }
    await Promise.all([...this.#alive].map((worker) => worker.end(END_WITHIN_MS)))
  }

  /** Asks every worker that serves. @returns the answers of those that gave one. */
  async askAll(what: string): Promise<readonly unknown[]> {
    const asked = this.#places.flatMap(({ current }) => (current === undefined ? [] : [current.ask(what)]))
    const answers = await Promise.allSettled(asked)
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  #spawn(place: Place, order: OrderFor): WorkerProcess {
    const { entry, fdsOf, answer, ended, clock } = this.#options
    const { number } = place
    const worker: WorkerProcess = new WorkerProcess({
      entry,
      fds: fdsOf(number),
      order: order(number),
      answer: (what, about) => answer(what, about, worker.pid),
      clock,
      passOn: (what) => place.current?.tell({ kind: 'inheritance', what }),
      spread: (news) => {
        for (const other of this.#alive) if (other !== worker) other.tell({ kind: 'news', news })
      },
    })
    this.#alive.add(worker)
    void worker.ended.then(({ code, signal }) => {
      this.#alive.delete(worker)
      ended(worker.pid)
      if (place.current !== worker) return
      place.current = undefined
      if (worker.isLeaving || this.#isStopping) return
      const { pid } = worker
      this.#options.log.error('worker.ended', { worker: number, pid, code, signal })
      this.#restarts += 1
      place.failures = clock.monotonic() - worker.startedAt < STEADY_MS ? place.failures + 1 : 1
      place.turn = place.turn.then(() => this.#refill(place, this.#leftBy(worker)))
    })
    return worker
  }

  #leftBy({ pid, takenOver }: WorkerProcess): readonly string[] {
    return [this.#options.leftBy(pid), ...takenOver]
  }

  async #whenReady(worker: WorkerProcess): Promise<void> {
    const timer = new AbortController()
    const late = sleep(READY_WITHIN_MS, undefined, { signal: timer.signal }).then(
      () => {
        void worker.end(0)
        throw new WorkerRefused(`a worker was not ready within ${READY_WITHIN_MS / 1000} s`)
      },
      () => undefined,
    )
    try {
      await Promise.race([worker.ready, late])
    } finally {
      timer.abort()
    }
  }

  /** Starts a worker where there is none. @returns what it says of itself. */
  async #fill(place: Place, left: readonly string[]): Promise<unknown> {
    const worker = this.#spawn(place, this.#order)
    await this.#whenReady(worker)
    const said = await this.#begin(place, worker)
    this.#settle(worker, left)
    return said
  }

  async #begin(place: Place, worker: WorkerProcess): Promise<unknown> {
    worker.tell({ kind: 'begin' })
    const said = await worker.serving
    place.current = worker
    const { log } = this.#options
    log.info('worker.serving', { worker: place.number, pid: worker.pid })
    return said
  }

  #settle(worker: WorkerProcess, left: readonly string[]): void {
    worker.takenOver.push(...left)
    worker.tell({ kind: 'alone', left })
  }

  /** Never gives up while the broker runs. */
  async #refill(place: Place, left: readonly string[]): Promise<void> {
    const { log } = this.#options
    while (!this.#isStopping && place.current === undefined) {
      const pauseMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** (place.failures - 1))
      // Where all have ended at once, nothing else keeps this process.
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#isStopping) return
      try {
        await this.#fill(place, left)
      } catch (error) {
        place.failures += 1
        log.error('worker.not_started', { worker: place.number, error })
      }
    }
  }

  async #replace(place: Place, order: OrderFor): Promise<void> {
    if (this.#isStopping) return
    const next = this.#spawn(place, order)
    await this.#whenReady(next)
    this.#order = order
    const old = place.current
    if (old === undefined) {
      await this.#begin(place, next)
      this.#settle(next, [])
      return
    }
    old.isLeaving = true
    // From here on the old one's words are for the new one.
    place.current = next
    const late = setTimeout(() => void old.end(0), HAND_OVER_WITHIN_MS)
    old.tell({ kind: 'handOver' })
    await old.handedOver
    clearTimeout(late)
    await this.#begin(place, next)
    await old.end(END_WITHIN_MS)
    this.#settle(next, this.#leftBy(old))
  }
}
