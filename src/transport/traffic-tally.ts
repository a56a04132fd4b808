import type { Runtime } from '../domain/runtime.ts'
import {
  type DropReason,
  type RequestKind,
  type Traffic,
  type TrafficClass,
  type TrafficStore,
  trafficClassOf,
} from '../domain/traffic.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'

/** One datagram, and what became of it. */
export interface Seen {
  /** As the system writes it. */
  readonly source: string
  readonly gateway?: string
  readonly kind: RequestKind
  readonly outcome: 'taken' | DropReason
  readonly detail?: string
}

export interface TrafficTallyOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly store: TrafficStore
  /** Milliseconds from one look at what was counted to the next; two seconds where absent. */
  readonly everyMs?: number
}

type Counted = { -readonly [Member in keyof Traffic]: Traffic[Member] }

/** Counted between two writes; what is beyond is left out, so that a flood of forged sources costs nothing more. */
const MOST: Readonly<Record<TrafficClass, number>> = { taken: 1000, dropped: 500, strange: 100 }
/** What was taken is written with every second look; drops with each, as somebody may look for them. */
const LOOKS_WITHOUT_DROPS = 2
const MAX_DETAIL = 200

/** Counts what becomes of datagrams, and writes the sums to the records every few seconds. */
export class TrafficTally {
  readonly #options: TrafficTallyOptions
  readonly #throttle: LogThrottle
  readonly #timer: NodeJS.Timeout
  #counted = emptyMaps()
  #looks = 0
  #writing: Promise<void> | undefined

  private constructor(options: TrafficTallyOptions) {
    this.#options = options
    this.#throttle = new LogThrottle(options)
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? 2000).unref()
  }

  static start(options: TrafficTallyOptions): TrafficTally {
    return new TrafficTally(options)
  }

  note(seen: Seen): void {
    const counted = this.#counted[trafficClassOf(seen)]
    const { source, gateway, kind, outcome, detail } = seen
    const key = `${source} ${gateway} ${kind} ${outcome}`
    const now = this.#options.clock.now()
    const known = counted.get(key)
    if (known !== undefined) {
      known.count += 1
      known.lastAt = now
      known.detail = detail
    } else if (counted.size < MOST[trafficClassOf(seen)])
      counted.set(key, { source, gateway, kind, outcome, detail, count: 1, firstAt: now, lastAt: now })
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await this.#write()
  }

  #look(): void {
    this.#looks += 1
    const { dropped, strange } = this.#counted
    const isDue = dropped.size + strange.size > 0 || this.#looks % LOOKS_WITHOUT_DROPS === 0
    if (!isDue || this.#writing !== undefined) return
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    const { store, log } = this.#options
    const traffic = Object.values(this.#counted).flatMap((each) => [...each.values()])
    if (traffic.length === 0) return
    this.#counted = emptyMaps()
    try {
      await store.add(traffic.map((each) => ({ ...each, detail: each.detail?.slice(0, MAX_DETAIL) })))
    } catch (error) {
      // An outage of the records has lines of its own.
      this.#throttle.tell('lost', (before) => log.warn('traffic.not_recorded', { error, before }))
    }
  }
}

function emptyMaps(): Readonly<Record<TrafficClass, Map<string, Counted>>> {
  return { taken: new Map(), dropped: new Map(), strange: new Map() }
}
