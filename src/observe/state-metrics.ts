import { Gauge, type GaugeConfiguration, Registry } from 'prom-client'
import type { PoolUsage } from '../domain/address-pool.ts'
import type { Census } from '../domain/census.ts'

/** What is asked when Prometheus asks. */
export interface StateReads {
  /** Of the program and of its Node. */
  readonly version: { readonly version: string; readonly node: string }
  /** Names of the configuration: sessions of others count as those of `other`. */
  readonly gateways: readonly string[]
  /** What logins depend on. */
  dependencies(): Promise<
    readonly { readonly name: string; readonly ready: boolean; readonly milliseconds: number }[]
  >
  /** @throws Unavailable */
  census(): Promise<Census>
  /** @throws Unavailable */
  pools(): Promise<readonly PoolUsage[]>
  /** Octets of accounting on disk. */
  spool(): Promise<{ readonly waiting: number; readonly refused: number }>
  /** Certificates that the broker shows, by their use, with their ends in wall milliseconds. */
  certificates(): Promise<readonly { readonly use: string; readonly notAfter: number }[]>
}

/**
 * The state of the whole broker, as opposed to what its processes count: read for each scrape, by the process that answers
 * HTTP. What cannot be read has no series, so that no old value looks like a new one.
 */
export function stateMetrics(reads: StateReads): { metrics(): Promise<string> } {
  return {
    async metrics() {
      // Of its own, as scrapes may overlap.
      const registry = new Registry()
      const gauge: MakeGauge = (about) => new Gauge({ ...about, registers: [registry] })
      gauge({
        name: 'ocbroker_build_info',
        help: 'Always 1; the versions of the broker and of its Node',
        labelNames: ['version', 'node'],
      }).set({ ...reads.version }, 1)
      await Promise.all([
        tellDependencies(reads, gauge),
        tellCensus(reads, gauge),
        tellPools(reads, gauge),
        tellSpool(reads, gauge),
        tellCertificates(reads, gauge),
      ])
      return registry.metrics()
    },
  }
}

type MakeGauge = <Label extends string>(
  about: Pick<GaugeConfiguration<Label>, 'name' | 'help' | 'labelNames'>,
) => Gauge<Label>

async function tellDependencies(reads: StateReads, gauge: MakeGauge): Promise<void> {
  const up = gauge({
    name: 'ocbroker_dependency_up',
    help: 'Whether logins can use the dependency',
    labelNames: ['dependency'],
  })
  const took = gauge({
    name: 'ocbroker_dependency_check_seconds',
    help: 'How long it took to ask the dependency',
    labelNames: ['dependency'],
  })
  for (const { name, ready, milliseconds } of await reads.dependencies()) {
    up.set({ dependency: name }, ready ? 1 : 0)
    took.set({ dependency: name }, milliseconds / 1000)
  }
}

async function tellCensus(reads: StateReads, gauge: MakeGauge): Promise<void> {
  const lockouts = gauge({
    name: 'ocbroker_lockouts',
    help: 'Lockouts in force, by scope and cause',
    labelNames: ['scope', 'cause'],
  })
  const sessions = gauge({
    name: 'ocbroker_sessions',
    help: 'Sessions that have not ended, by gateway and state',
    labelNames: ['gateway', 'state'],
  })
  const census = await reads.census().catch(() => undefined)
  if (census === undefined) return
  // At zero from the start, so that alerts see the first one.
  for (const scope of ['user', 'address', 'user_address']) lockouts.set({ scope, cause: 'failures' }, 0)
  for (const { scope, cause, count } of census.lockouts) lockouts.set({ scope, cause }, count)
  for (const gateway of reads.gateways) sessions.set({ gateway, state: 'open' }, 0)
  for (const { gateway, state, count } of census.sessions)
    sessions.inc({ gateway: reads.gateways.includes(gateway) ? gateway : 'other', state }, count)
}

async function tellPools(reads: StateReads, gauge: MakeGauge): Promise<void> {
  const addresses = gauge({
    name: 'ocbroker_pool_addresses',
    help: 'Addresses or IPv6 prefixes of a pool, by whether a session holds them',
    labelNames: ['pool', 'family', 'state'],
  })
  for (const { pool, family, size, held } of await reads.pools().catch(() => [])) {
    addresses.set({ pool, family, state: 'held' }, held)
    addresses.set({ pool, family, state: 'free' }, size - held)
  }
}

async function tellSpool(reads: StateReads, gauge: MakeGauge): Promise<void> {
  const spool = gauge({
    name: 'ocbroker_spool_bytes',
    help: 'Accounting on disk: waiting for the database, or refused by it',
    labelNames: ['state'],
  })
  const octets = await reads.spool().catch(() => undefined)
  if (octets === undefined) return
  spool.set({ state: 'waiting' }, octets.waiting)
  spool.set({ state: 'refused' }, octets.refused)
}

async function tellCertificates(reads: StateReads, gauge: MakeGauge): Promise<void> {
  const ends = gauge({
    name: 'ocbroker_certificate_not_after_timestamp_seconds',
    help: 'When the certificate expires',
    labelNames: ['use'],
  })
  for (const { use, notAfter } of await reads.certificates()) ends.set({ use }, notAfter / 1000)
}
