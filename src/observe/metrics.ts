import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../domain/metrics.ts'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The broker's figures in Prometheus' form. */
export function prometheusMetrics(): { metrics: Metrics; registry: Registry } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const dropped = new Counter({
    name: 'ocbroker_dropped_datagrams_total',
    help: 'Datagrams that got no answer, by reason',
    labelNames: ['reason'],
    registers: [registry],
  })
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
  const accounting = new Histogram({
    name: 'ocbroker_accounting_seconds',
    help: 'Accounting-Requests from arrival to answer, by kind',
    labelNames: ['kind', 'gateway'],
    buckets: SECONDS,
    registers: [registry],
  })
  return {
    registry,
    metrics: {
      dropped: (reason) => dropped.inc({ reason }),
      repeated: (kind) => repeated.inc({ kind }),
      login: (outcome, gateway, seconds) => logins.observe({ outcome, gateway }, seconds),
      accounting: (kind, gateway, seconds) => accounting.observe({ kind, gateway }, seconds),
    },
  }
}
