import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import type { MailMetrics, Metrics, SinkMetrics } from '../domain/metrics.ts'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Gauges that prom-client calls as if they were counters: promtool complains. The same are there by type, without the ending. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`)

/** Metrics in Prometheus' text format. */
export interface Figures {
  readonly contentType: string
  metrics(): Promise<string>
  /** As plain JSON, for another process to add up. */
  getMetricsAsJSON(): Promise<MetricObjectWithValues<MetricValue<string>>[]>
}

/** The metrics of one process. */
export function prometheusMetrics(): { metrics: Metrics; figures: Figures } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const dropped = new Counter({
    name: 'ocbroker_dropped_datagrams_total',
    help: 'Datagrams that got no answer, by reason',
    labelNames: ['reason'],
    registers: [registry],
  })
  const ofReason = new Map<string, Counter.Internal>()
  const repeated = new Counter({
    name: 'ocbroker_repeated_datagrams_total',
    help: 'Retransmits: answered with the first reply, or dropped while that is still being made',
    labelNames: ['kind'],
    registers: [registry],
  })
  const logins = new Histogram({
    name: 'ocbroker_login_seconds',
    help: 'Access-Requests from arrival to reply, by outcome',
    labelNames: ['outcome', 'gateway'],
    buckets: SECONDS,
    registers: [registry],
  })
  const waived = new Counter({
    name: 'ocbroker_waived_second_factors_total',
    help: 'Logins that were let in without a second factor of their own, by what took its place',
    labelNames: ['by'],
    registers: [registry],
  })
  const accounting = new Histogram({
    name: 'ocbroker_accounting_seconds',
    help: 'Accounting-Requests from arrival to answer, by kind',
    labelNames: ['kind', 'gateway'],
    buckets: SECONDS,
    registers: [registry],
  })
  const late = new Counter({
    name: 'ocbroker_late_logins_total',
    help: 'Logins whose deadline passed, by the step that they were in',
    labelNames: ['step'],
    registers: [registry],
  })
  const signIns = new Counter({
    name: 'ocbroker_sign_ins_total',
    help: 'Sign-ins at the pages, by what was shown and by outcome',
    labelNames: ['way', 'outcome'],
    registers: [registry],
  })
  const tlsConnections = new Gauge({
    name: 'ocbroker_tls_connections',
    help: 'RadSec connections that are open, by gateway',
    labelNames: ['gateway'],
    registers: [registry],
  })
  const tlsRefused = new Counter({
    name: 'ocbroker_tls_refused_total',
    help: 'RadSec connections that did not come about, by reason',
    labelNames: ['reason'],
    registers: [registry],
  })
  return {
    figures: registry,
    metrics: {
      dropped(reason) {
        // A flood brings 50,000 datagrams a second, for a handful of reasons: each counter is looked up once.
        const counter = ofReason.get(reason) ?? dropped.labels(reason)
        ofReason.set(reason, counter)
        counter.inc()
      },
      repeated: (kind) => repeated.inc({ kind }),
      login: (outcome, gateway, seconds) => logins.observe({ outcome, gateway }, seconds),
      waived: (by) => waived.inc({ by }),
      accounting: (kind, gateway, seconds) => accounting.observe({ kind, gateway }, seconds),
      sinks: sinkMetrics(registry),
      mails: mailMetrics(registry),
      late: (step) => late.inc({ step }),
      signIn: (way, outcome) => signIns.inc({ way, outcome }),
      tlsConnections: (gateway, change) => tlsConnections.inc({ gateway }, change),
      tlsRefused: (reason) => tlsRefused.inc({ reason }),
    },
  }
}

function mailMetrics(registry: Registry): MailMetrics {
  const registers = [registry]
  const waiting = new Gauge({
    name: 'ocbroker_mails_waiting',
    help: 'Mails that wait to be sent',
    aggregator: 'max',
    registers,
  })
  const lag = new Gauge({
    name: 'ocbroker_mail_lag_seconds',
    help: 'Age of the first mail that waits to be sent',
    aggregator: 'max',
    registers,
  })
  const sent = new Counter({
    name: 'ocbroker_mails_sent_total',
    help: 'Mails that were sent, by kind',
    labelNames: ['kind'],
    registers,
  })
  const failures = new Counter({
    name: 'ocbroker_mail_failures_total',
    help: 'Tries to send a mail that failed',
    registers,
  })
  return {
    mailsWaiting(mails, seconds) {
      waiting.set(mails)
      lag.set(seconds)
    },
    mailSent: (kind) => sent.inc({ kind }),
    mailFailed: () => failures.inc(),
  }
}

function sinkMetrics(registry: Registry): SinkMetrics {
  const common = { labelNames: ['sink'], registers: [registry] }
  const lag = new Gauge({
    name: 'ocbroker_audit_sink_lag_seconds',
    help: 'Age of the first audit event that waits for the sink',
    aggregator: 'max',
    ...common,
  })
  const delivered = new Counter({
    name: 'ocbroker_audit_sink_delivered_total',
    help: 'Audit events that the sink was sent',
    ...common,
  })
  const failures = new Counter({
    name: 'ocbroker_audit_sink_failures_total',
    help: 'Deliveries that failed and are repeated',
    ...common,
  })
  const dropped = new Gauge({
    name: 'ocbroker_audit_sink_dropped_events',
    help: 'Audit events that were deleted after storage.keep_audit before the sink could be sent them',
    aggregator: 'max',
    ...common,
  })
  return {
    sinkLag: (sink, seconds) => lag.set({ sink }, seconds),
    sinkDelivered: (sink, events) => delivered.inc({ sink }, events),
    sinkFailed: (sink) => failures.inc({ sink }),
    sinkDropped: (sink, events) => dropped.set({ sink }, events),
  }
}

/**
 * Adds up the metrics of several processes. @param each the metrics of every process as plain JSON.
 * @param restarts how often a process was replaced; @param running the number of processes.
 */
export async function figuresOfWorkers(
  each: readonly unknown[],
  { restarts, running }: { readonly restarts: number; readonly running: number },
): Promise<string> {
  const all = AggregatorRegistry.aggregate(each as object[])
  const workers = new Registry()
  new Gauge({ name: 'ocbroker_workers', help: 'Workers that run', registers: [workers] }).set(running)
  new Counter({
    name: 'ocbroker_worker_restarts_total',
    help: 'Workers that died and were replaced',
    registers: [workers],
  }).inc(restarts)
  return `${await all.metrics()}${await workers.metrics()}`
}
