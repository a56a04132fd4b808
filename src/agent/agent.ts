import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../domain/errors.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Alarm } from './alarm.ts'
import { Backoff } from './backoff.ts'
import type { Broker } from './broker.ts'
import type { Occtl } from './occtl.ts'
import { OcctlEvents } from './occtl-events.ts'
import type { Order } from './order.ts'
import { Orders } from './orders.ts'
import { type AgentIdentity, reportOf } from './report.ts'
import { hearOrders } from './stream.ts'

export interface AgentOptions {
  readonly broker: Broker
  readonly occtl: Occtl
  /** Where `show events` is asked. */
  readonly socket?: string
  readonly identity: AgentIdentity
  readonly runtime: Pick<Runtime, 'clock' | 'log' | 'random'>
}

const REPORT_EVERY_MS = 60_000
/** Events within this time are told in one report; within more where reports are long and clients come all the time. */
const BUNDLE_MS = 1000
const BUNDLE_MS_A_SESSION = 2
/** The broker believes that a session is gone after two reports, at least 5 s apart. */
const CONFIRM_MS = 6000

/** Runs beside ocserv until it is told to stop: hears orders, does them, and reports. */
export class Agent {
  readonly #options: AgentOptions
  readonly #orders: Orders
  readonly #toDo = new Alarm()
  readonly #toReport = new Alarm()
  readonly #events: OcctlEvents
  readonly #outages = new Set<string>()
  #reportEveryMs = REPORT_EVERY_MS

  constructor(options: AgentOptions) {
    this.#options = options
    this.#orders = new Orders(options.occtl)
    this.#events = new OcctlEvents(options.socket)
  }

  /** @throws AgentRefused */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const all = AbortSignal.any([signal, ended.signal])
    const loops = [this.#hear(all), this.#work(all), this.#report(all), this.#watch(all)]
    try {
      await Promise.all(loops)
    } finally {
      ended.abort()
      await Promise.allSettled(loops)
      this.#options.broker.close()
    }
  }

  async #hear(signal: AbortSignal): Promise<void> {
    const { broker, runtime } = this.#options
    const opened = (everyMs: number, version: string) => {
      runtime.log.info('agent.connected', { version, reportEveryMs: everyMs })
      this.#reportEveryMs = everyMs
      this.#outages.delete('stream')
      backoff.succeeded()
      this.#toReport.ring()
      this.#toDo.ring()
    }
    const ordered = (order: Order) => {
      this.#orders.take(order)
      this.#toDo.ring()
    }
    const backoff = new Backoff(runtime.random)
    await this.#again('stream', backoff, signal, () => hearOrders(broker, { opened, ordered }, signal))
  }

  async #work(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#options.runtime.random)
    await this.#again('orders', backoff, signal, async () => {
      const nextMs = await this.#orders.work()
      await this.#tellResults()
      this.#recovered('orders')
      backoff.succeeded()
      if (this.#orders.results().length === 0) await this.#toDo.wait(nextMs, signal)
    })
  }

  async #tellResults(): Promise<void> {
    const results = this.#orders.results()
    if (results.length === 0) return
    await this.#options.broker.tell('results', { results })
    this.#orders.taken(results)
    for (const { id, outcome, ended = [], detail } of results)
      this.#options.runtime.log.info('agent.order_done', { order: id, outcome, ended: ended.length, detail })
    this.#toReport.ring()
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { broker, occtl, identity, runtime } = this.#options
    const { clock } = runtime
    const backoff = new Backoff(runtime.random)
    let confirmAt = Number.POSITIVE_INFINITY
    await this.#again('report', backoff, signal, async () => {
      const report = await reportOf(occtl, identity)
      await broker.tell('reports', report)
      this.#recovered('report')
      backoff.succeeded()
      const now = clock.monotonic()
      const isLess = this.#events.reported(report.sessions.map(({ acct_session: session }) => session))
      if (isLess) confirmAt = now + CONFIRM_MS
      else if (now >= confirmAt) confirmAt = Number.POSITIVE_INFINITY
      const isRung = await this.#toReport.wait(Math.min(this.#reportEveryMs, confirmAt - now), signal)
      if (isRung) await pause(Math.max(BUNDLE_MS, report.sessions.length * BUNDLE_MS_A_SESSION), signal)
      this.#toReport.clear()
    })
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#options.runtime.random)
    const changed = () => {
      backoff.succeeded()
      this.#toReport.ring()
      this.#toDo.ring()
    }
    while (!signal.aborted) {
      await this.#events.watch(changed, signal)
      await pause(backoff.next(), signal)
    }
  }

  /** Does something again and again. What is unavailable is logged once and tried later. */
  async #again(
    what: string,
    backoff: Backoff,
    signal: AbortSignal,
    step: () => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await step()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof Unavailable)) throw error
        if (!this.#outages.has(what))
          this.#options.runtime.log.warn('agent.unavailable', { what, why: error.message })
        this.#outages.add(what)
        await pause(backoff.next(), signal)
      }
    }
  }

  #recovered(what: string): void {
    if (this.#outages.delete(what)) this.#options.runtime.log.info('agent.available', { what })
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
