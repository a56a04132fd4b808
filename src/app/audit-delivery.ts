import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import type { Runtime } from '../domain/runtime.ts'
import { PORTAL } from '../login/flow.ts'
import { Delivery } from '../observe/sinks/delivery.ts'
import { logLines } from '../observe/sinks/log-lines.ts'
import type { AuditSink } from '../observe/sinks/sink.ts'
import { syslogSink } from '../observe/sinks/syslog.ts'
import { webhookSink } from '../observe/sinks/webhook.ts'
import type { Repositories } from '../store/repositories.ts'
import { isSame } from './config-changes.ts'

interface AuditDeliveryOptions {
  readonly records: Pick<Repositories, 'audit' | 'sinks'>
  /** By which the process serves now. */
  readonly config: () => Pick<Config, 'audit' | 'log'>
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log' | 'metrics'>
}

/** How often it is looked whether a reload has changed the receivers, in milliseconds. */
const LOOK_EVERY_MS = 1000

/** Sends the audit trail to the log and to every receiver of the present configuration. */
export class AuditDelivery {
  readonly #options: AuditDeliveryOptions
  readonly #holder: string
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  private constructor(options: AuditDeliveryOptions) {
    this.#options = options
    this.#holder = options.runtime.random.id()
    this.#ended = this.#run()
  }

  static start(options: AuditDeliveryOptions): AuditDelivery {
    return new AuditDelivery(options)
  }

  /** Leaves what is to be sent to other brokers, or to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
    await this.#options.records.sinks.release(this.#holder).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const { audit, log } = this.#options.config()
      const deliveries = this.#sinksOf({ audit, log }).map((sink) => this.#start(sink))
      while (!signal.aborted && isSame(this.#options.config().audit, audit))
        await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined)
      await Promise.all(deliveries.map((delivery) => delivery.stop()))
    }
  }

  #start(sink: AuditSink): Delivery {
    const { records, runtime } = this.#options
    const { clock, log, metrics } = runtime
    return Delivery.start({ sink, ...records, clock, log, metrics: metrics.sinks, holder: this.#holder })
  }

  #sinksOf({ audit, log }: Pick<Config, 'audit' | 'log'>): readonly AuditSink[] {
    const { runtime } = this.#options
    const names = log.format
    return [
      logLines(runtime.log, PORTAL),
      ...audit.syslog.map((each) => syslogSink({ ...each, hostname: hostname(), names })),
      ...audit.webhook.map((each) => webhookSink({ ...each, names, clock: runtime.clock })),
    ]
  }
}
