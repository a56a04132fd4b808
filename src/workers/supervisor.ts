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
  /** A name that no worker has had: what it keeps on disk carries it. Process identifiers come again. */
  readonly newName: () => string
  /** Names under which something is kept on disk, of workers that run and of such as have ended. */
  readonly keptNames: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/**
 * What the worker with this number and this name is to do, in plain JSON.
 * @param follows what the one says of itself that serves there and is to be followed; absent where there is none.
 */
export type OrderFor = (number: number, name: string, follows: unknown) => unknown

interface Place {
  readonly number: number
  /** Reads from the sockets, or is just letting go of them. */
  current: WorkerProcess | undefined
  /** Has let go of the sockets and answers what is in flight through the heir. */
  leaving: WorkerProcess | undefined
  heir: WorkerProcess | undefined
  /** By which it serves. */
  order: OrderFor | undefined
  /** What was passed on by the one that leaves: should the heir end, another one needs it. */
  heritage: unknown[]
  /** A reload is about to try it with another order. */
  isReloading: boolean
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
/** For listening, and for the records' pools: many addresses may have changed. */
const BEGIN_WITHIN_MS = 30_000
/** More than the longest `radius.deadline`. */
const END_WITHIN_MS = 75_000

/** Keeps so many workers going over the same sockets: replaces those that end, and all of them at a reload. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #places: readonly Place[]
  readonly #alive = new Set<WorkerProcess>()
  #order: OrderFor = () => undefined
  readonly #stopping = new AbortController()
  /** A reload replaces one after another. */
  #takingOver: Promise<unknown> = Promise.resolve()
  #restarts = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#places = Array.from({ length: options.workers }, (_, number) => ({
      number,
      current: undefined,
      leaving: undefined,
      heir: undefined,
      order: undefined,
      heritage: [],
      isReloading: false,
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
   * @returns what each says of itself. @throws WorkerRefused where one cannot serve; none is left then.
   */
  async start(order: OrderFor): Promise<readonly unknown[]> {
    this.#order = order
    const [first, ...others] = this.#places
    if (first === undefined) return []
    try {
      const said = await this.#fill(first)
      return [said, ...(await Promise.all(others.map((place) => this.#fill(place))))]
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /**
   * Replaces one after another, but for those that serve by this very order. The new one is ready before the old one lets
   * go, and takes over what that one knew. Where a later one fails it is tried again, as the first has shown that the
   * order can be followed; what is to be replaced goes on meanwhile.
   * @param isOutdated whether another reload waits, so that this one is not to be tried again.
   * @returns whether all serve by it now: not where it was outdated before that, or all are being stopped.
   * @throws WorkerRefused where the first new one cannot serve: all go on by the order before, and if the old one has let
   * go of its sockets by then, another follows it with that order.
   */
  async reload(order: OrderFor, isOutdated: () => boolean): Promise<boolean> {
    for (const place of this.#places) {
      if (place.order === order) continue
      place.isReloading = true
      const done = place.turn.then(() => this.#replaceOrRefill(place, order, isOutdated))
      place.turn = done.catch(() => undefined)
      if (!(await done)) return false
    }
    return true
  }

  /** Each answers what is in flight and ends. One that is just taking over does that first: others answer through it. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#takingOver.catch(() => undefined)
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
    const { entry, fdsOf, newName, answer, ended, clock } = this.#options
    const { number } = place
    const name = newName()
    const worker: WorkerProcess = new WorkerProcess({
      entry,
      fds: fdsOf(number),
      name,
      order: order(number, name, place.current?.said),
      answer: (what, about) => answer(what, about, worker.pid),
      clock,
      passOn: (what) => {
        place.heritage.push(what)
        place.heir?.tell({ kind: 'inheritance', what })
      },
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
      place.turn = place.turn.then(() => this.#refill(place))
    })
    return worker
  }

  /** Starts a worker where there is none. @returns what it says of itself. */
  async #fill(place: Place): Promise<unknown> {
    if (this.#isStopping) throw new WorkerRefused('all workers are being stopped')
    const order = this.#order
    const worker = this.#spawn(place, order)
    await worker.whenReady(READY_WITHIN_MS)
    await this.#begin(place, worker)
    place.order = order
    await this.#settle(place, worker)
    return worker.said
  }

  #makeHeir(place: Place, worker: WorkerProcess): void {
    place.heir = worker
    for (const what of place.heritage) worker.tell({ kind: 'inheritance', what })
  }

  async #begin(place: Place, worker: WorkerProcess): Promise<void> {
    if (place.heir !== worker) this.#makeHeir(place, worker)
    const late = setTimeout(() => void worker.end(0), BEGIN_WITHIN_MS)
    worker.tell({ kind: 'begin' })
    await worker.serving.finally(() => clearTimeout(late))
    place.current = worker
    const { log } = this.#options
    log.info('worker.serving', { worker: place.number, pid: worker.pid })
  }

  /** Whoever was there before has ended then. This one takes care of what is on disk and no living worker's. */
  async #settle(place: Place, worker: WorkerProcess): Promise<void> {
    await Promise.race([place.leaving?.end(END_WITHIN_MS), worker.ended])
    if (place.current !== worker) return
    const left = this.#options.keptNames().filter((name) => !this.#isSomeones(name))
    for (const name of left) worker.keeps.add(name)
    worker.tell({ kind: 'alone', left })
    place.leaving = undefined
    place.heir = undefined
    place.heritage = []
  }

  #isSomeones(name: string): boolean {
    return [...this.#alive].some(({ keeps }) => keeps.has(name))
  }

  /** Never gives up while the broker runs, but for a reload. */
  async #refill(place: Place): Promise<void> {
    const { log } = this.#options
    while (!this.#isStopping && !place.isReloading && place.current === undefined) {
      await this.#pause(place)
      if (this.#isStopping) return
      try {
        await this.#fill(place)
      } catch (error) {
        place.failures += 1
        log.error('worker.not_started', { worker: place.number, error })
      }
    }
  }

  async #pause({ failures }: Place): Promise<void> {
    const pauseMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** (failures - 1))
    // Where all have ended at once, nothing else keeps this process.
    await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }

  async #replaceOrRefill(place: Place, order: OrderFor, isOutdated: () => boolean): Promise<boolean> {
    const { log } = this.#options
    place.isReloading = false
    while (!this.#isStopping) {
      try {
        return await this.#replace(place, order)
      } catch (error) {
        const isRefused = this.#order !== order
        if (isRefused || isOutdated()) place.turn = place.turn.then(() => this.#refill(place))
        if (isRefused) throw error
        place.failures += 1
        log.error('worker.not_started', { worker: place.number, error })
        if (isOutdated()) break
        await this.#pause(place)
      }
    }
    return false
  }

  /** @returns whether it was: nobody is replaced any more while all are being stopped. */
  async #replace(place: Place, order: OrderFor): Promise<boolean> {
    const next = this.#spawn(place, order)
    await next.whenReady(READY_WITHIN_MS)
    if (this.#isStopping) return false
    const takingOver = this.#takeOver(place, next, order)
    this.#takingOver = takingOver
    await takingOver
    return true
  }

  async #takeOver(place: Place, next: WorkerProcess, order: OrderFor): Promise<void> {
    const old = place.current
    if (old !== undefined) await this.#handOver(place, old, next)
    await this.#begin(place, next)
    this.#order = order
    place.order = order
    await this.#settle(place, next)
  }

  /** From here on the old one's words are for the new one. */
  async #handOver(place: Place, old: WorkerProcess, next: WorkerProcess): Promise<void> {
    old.isLeaving = true
    place.leaving = old
    this.#makeHeir(place, next)
    const late = setTimeout(() => void old.end(0), HAND_OVER_WITHIN_MS)
    old.tell({ kind: 'handOver' })
    await old.handedOver
    clearTimeout(late)
    // It reads no more: where the new one fails, nobody does.
    place.current = undefined
  }
}
