import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditStore, TrailPosition } from '../../domain/audit.ts'
import type { SinkStore, SinkTurn } from '../../domain/audit-sink.ts'
import { messageOf } from '../../domain/errors.ts'
import type { SinkMetrics } from '../../domain/metrics.ts'
import type { Runtime } from '../../domain/runtime.ts'
import type { AuditSink } from './sink.ts'

export interface DeliveryOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly sink: AuditSink
  readonly audit: Pick<AuditStore, 'tail'>
  readonly sinks: SinkStore
  readonly metrics: SinkMetrics
  /** Identifies the process. */
  readonly holder: string
  /** Milliseconds between two looks at the trail (a second). */
  readonly everyMs?: number
}

/** How long a broker has the turn without a word: longer than a delivery may take. */
const TURN_MS = 15_000
/** A turn that ends sooner is prolonged before the next delivery. */
const TURN_LEFT_MS = 11_000
const DELIVERY_WITHIN_MS = 10_000
/** Between two tries of a sink that fails. */
const MAX_PAUSE_MS = 60_000
const MAX_FAULT = 500
/** How often the place is noted where nothing of what was looked at was for the sink. */
const NOTE_EVERY_MS = 60_000

/**
 * Sends the audit trail to one sink, in its order: from the records, which are the only queue, by a cursor that all
 * brokers share. An event may be sent twice, where a broker ends before it has noted the delivery, and none is left out.
 */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>
  /** Everything up to here was sent, or is not for the sink. */
  #position: TrailPosition | undefined
  /** Of the turn, in wall milliseconds. */
  #until = 0
  #failures = 0
  #dropped = 0
  #notedAt: number

  private constructor(options: DeliveryOptions) {
    this.#options = options
    this.#notedAt = options.clock.monotonic()
    this.#ended = this.#run()
  }

  static start(options: DeliveryOptions): Delivery {
    return new Delivery(options)
  }

  /** Cuts off the delivery that is under way: it is repeated later. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { everyMs = 1000, sink, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      let pause = everyMs
      try {
        while (!signal.aborted && (await this.#deliverSome()));
      } catch (error) {
        if (signal.aborted) return
        pause = Math.min(MAX_PAUSE_MS, everyMs * 2 ** this.#failures)
        this.#failures += 1
        if (this.#failures === 1) log.error('audit.sink_fails', { sink: sink.name, why: messageOf(error) })
        await this.#noteFault(error)
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** @returns whether there may be more at once. */
  async #deliverSome(): Promise<boolean> {
    const { audit, sink, clock, metrics } = this.#options
    if (this.#position === undefined && !(await this.#take())) return false
    const after = this.#position
    if (after === undefined) return false
    const { events, end } = await audit.tail({ after, limit: sink.batch, except: sink.except })
    const [first] = events
    if (first === undefined) {
      metrics.sinkLag(sink.name, 0)
      return isAfter(end, after) && this.#pass(end)
    }
    if (this.#until - clock.now() < TURN_LEFT_MS) {
      if (!(await this.#take())) return false
      // Another broker had the turn meanwhile, and has come further.
      if (this.#position !== after) return true
    }
    metrics.sinkLag(sink.name, Math.max(0, clock.now() - first.at) / 1000)
    await sink.send(events, AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DELIVERY_WITHIN_MS)]))
    metrics.sinkDelivered(sink.name, events.length)
    await this.#advance(end)
    return true
  }

  /** Nothing of what was looked at is for the sink. */
  async #pass(end: TrailPosition): Promise<boolean> {
    this.#position = end
    const isDue = this.#options.clock.monotonic() - this.#notedAt > NOTE_EVERY_MS
    if (isDue && (await this.#take())) await this.#advance(end)
    return true
  }

  async #take(): Promise<boolean> {
    const { sinks, sink, log, metrics } = this.#options
    const turn = this.#turn()
    const state = await sinks.take(turn)
    if (state === undefined) {
      // What waits is told by the broker that has the turn.
      metrics.sinkLag(sink.name, 0)
      return false
    }
    const { position, dropped } = state
    this.#until = turn.until
    if (this.#position === undefined || isAfter(position, this.#position)) this.#position = position
    if (dropped > this.#dropped) log.error('audit.sink_dropped', { sink: sink.name, events: dropped })
    this.#dropped = dropped
    metrics.sinkDropped(sink.name, dropped)
    return true
  }

  async #advance(end: TrailPosition): Promise<void> {
    const { sinks, sink, log, clock } = this.#options
    const turn = this.#turn()
    const isOurs = await sinks.advance(turn, end)
    this.#position = isOurs ? end : undefined
    this.#until = isOurs ? turn.until : 0
    this.#notedAt = clock.monotonic()
    if (this.#failures > 0) log.info('audit.sink_delivers', { sink: sink.name })
    this.#failures = 0
  }

  /** For `doctor`, which may run while another broker has the turn. */
  async #noteFault(error: unknown): Promise<void> {
    const { sinks, sink, metrics } = this.#options
    metrics.sinkFailed(sink.name)
    await sinks.fail(this.#turn(), messageOf(error).slice(0, MAX_FAULT)).catch(() => undefined)
  }

  #turn(): SinkTurn {
    const { sink, holder, clock } = this.#options
    const now = clock.now()
    return { name: sink.name, holder, now, until: now + TURN_MS }
  }
}

function isAfter(one: TrailPosition, other: TrailPosition): boolean {
  return one.written === other.written ? one.id > other.id : one.written > other.written
}
