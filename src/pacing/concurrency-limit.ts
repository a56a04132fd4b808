import { type Clock, systemClock } from '../domain/clock.ts'

export interface ConcurrencyLimitOptions {
  /** Tasks that run at the same time. */
  readonly parallel: number
  /** Tasks that may wait for one of those. */
  readonly waiting: number
  /** Tasks of one client that run at the same time, however few others there are; absent: all of them. */
  readonly ofOne?: number
  /** Which task is shed when one more comes than may wait: the one that has waited longest, unless told otherwise. */
  readonly shed?: 'oldest' | 'newest'
  /** Another than the machine's own where a test sets the time. */
  readonly clock?: Clock
}

/** Why a task was never begun: too many others wait, or its own patience is over. */
export type ShedReason = 'overloaded' | 'too_late'

interface Waiting {
  /** Monotonic milliseconds. */
  readonly until: number
  readonly timer: NodeJS.Timeout | undefined
  readonly client: string | undefined
  readonly settle: (shed: ShedReason | undefined) => void
}

/** How a task waits for its turn. */
export interface Wait {
  /** How long it may wait, in milliseconds; absent: until its turn comes. */
  readonly patienceMs?: number
  /** Whose task it is, for `ofOne`; absent: nobody's, who has no share. */
  readonly client?: string
  /** Whether its turn comes before that of all others, and it is shed after them. */
  readonly goesFirst?: boolean
}

/**
 * Runs a bounded number of tasks at a time, in the order in which they came, and lets a bounded number wait. Under a load
 * that cannot be served the newest task has most of its time left and the oldest the least, so the oldest is shed.
 */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions
  readonly #clock: Clock
  readonly #first = new Set<Waiting>()
  readonly #others = new Set<Waiting>()
  #running = 0
  readonly #runningOf = new Map<string, number>()

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Whether no task runs. */
  get isIdle(): boolean {
    return this.#running === 0
  }

  /** Whether a task that comes now has to wait. */
  get isFull(): boolean {
    return this.#running >= this.#options.parallel
  }

  /** Whether the client may run another task now. */
  hasShare(client: string | undefined): boolean {
    const { ofOne } = this.#options
    return ofOne === undefined || client === undefined || (this.#runningOf.get(client) ?? 0) < ofOne
  }

  /**
   * @param onShed called in place of the task when it is not run; what it returns or throws is the outcome.
   */
  async run<T, R>(
    task: () => Promise<T>,
    onShed: (reason: ShedReason, patienceMs: number) => R,
    { patienceMs = Number.POSITIVE_INFINITY, goesFirst = false, client }: Wait = {},
  ): Promise<T | R> {
    if (!this.isFull && this.hasShare(client)) this.#begin(client)
    else {
      const shed = await this.#wait(patienceMs, goesFirst ? this.#first : this.#others, client)
      if (shed !== undefined) return onShed(shed, patienceMs)
    }
    try {
      return await task()
    } finally {
      this.#end(client)
      this.#next()
    }
  }

  #wait(patienceMs: number, queue: Set<Waiting>, client?: string): Promise<ShedReason | undefined> {
    const { waiting: most, shed } = this.#options
    return new Promise((settle) => {
      if (shed === 'newest' && this.#size >= most) return settle('overloaded')
      const expire = () => this.#settle(waiting, 'too_late')
      const timer = Number.isFinite(patienceMs) ? setTimeout(expire, patienceMs) : undefined
      const waiting: Waiting = { until: this.#clock.monotonic() + patienceMs, timer, client, settle }
      queue.add(waiting)
      if (this.#size <= most) return
      const oldest = this.#oldestOf(this.#others.size > 0 ? this.#others : this.#first)
      if (oldest !== undefined) this.#settle(oldest, 'overloaded')
    })
  }

  get #size(): number {
    return this.#first.size + this.#others.size
  }

  /** Of the client that has most of them waiting, where clients have shares. */
  #oldestOf(queue: ReadonlySet<Waiting>): Waiting | undefined {
    const [oldest] = queue
    if (this.#options.ofOne === undefined) return oldest
    const byClient = Map.groupBy(queue, ({ client }) => client)
    const most = [...byClient.values()].reduce((one, other) => (other.length > one.length ? other : one), [])
    return most[0]
  }

  #begin(client: string | undefined): void {
    this.#running += 1
    if (client !== undefined) this.#runningOf.set(client, (this.#runningOf.get(client) ?? 0) + 1)
  }

  #end(client: string | undefined): void {
    this.#running -= 1
    if (client === undefined) return
    const left = (this.#runningOf.get(client) ?? 1) - 1
    if (left === 0) this.#runningOf.delete(client)
    else this.#runningOf.set(client, left)
  }

  /** The next task that is not too late, and whose client has a share left, takes over the place. */
  #next(): void {
    const now = this.#clock.monotonic()
    for (const queue of [this.#first, this.#others])
      for (const next of queue) {
        const isTooLate = next.until <= now
        if (!isTooLate && !this.hasShare(next.client)) continue
        if (!isTooLate) this.#begin(next.client)
        this.#settle(next, isTooLate ? 'too_late' : undefined)
        if (!isTooLate) return
      }
  }

  #settle(waiting: Waiting, shed: ShedReason | undefined): void {
    clearTimeout(waiting.timer)
    this.#first.delete(waiting)
    this.#others.delete(waiting)
    waiting.settle(shed)
  }
}
