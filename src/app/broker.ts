import { Ledger } from '../accounting/ledger.ts'
import { spoolsIn } from '../accounting/spool.ts'
import { Spools } from '../accounting/spools.ts'
import type { LocalState } from '../cluster/local-state.ts'
import type { Config } from '../config/schema.ts'
import { type Runtime, SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { Withdrawals } from '../login/withdrawals.ts'
import { type Figures, prometheusMetrics } from '../observe/metrics.ts'
import { ResponseTimeEqualizer } from '../pacing/response-time-equalizer.ts'
import { LeaseReaping } from '../store/lease-reaping.ts'
import { Pruning } from '../store/pruning.ts'
import { ClientTable } from '../transport/client-table.ts'
import type { UdpPlace } from '../transport/own-addresses.ts'
import { RadiusServer, type Service } from '../transport/radius-server.ts'
import { TlsListeners, type TlsPlace } from '../transport/tls-listeners.ts'
import { TrafficTally } from '../transport/traffic-tally.ts'
import { UdpListeners } from '../transport/udp-listeners.ts'
import { AuditDelivery } from './audit-delivery.ts'
import { openEphemeralState } from './ephemeral.ts'
import { buildGeneration, ledgerRules, type ProcessParts } from './generation.ts'
import { HttpListener } from './http-listener.ts'
import { Mails } from './mails.ts'
import { OrderRounds } from './order-rounds.ts'
import { placesOf, tlsPlacesOf } from './places.ts'
import { Presence } from './presence.ts'
import { releaseMemory } from './release-memory.ts'
import { holdSpoolFolder } from './spool-folder.ts'
import type { Store } from './storage.ts'
import { Swap } from './swap.ts'

interface Place {
  readonly service: Service | 'http' | 'tls'
  readonly address: string
  readonly port: number
}

export interface Broker {
  /** Where it listens, with the ports that it really has. */
  readonly listening: readonly Place[]
  readonly figures: Figures
  /** Takes a configuration in place of the one that it serves by. */
  readonly swap: Swap
  /** Another process has seen that a gateway signs its requests. */
  learn(key: string): void
  /** Delivers the accounting that waits under these names too; their processes have ended. */
  adopt(spools: readonly string[]): void
  /** Takes no more requests, answers those in flight, and closes its sockets. The store stays open. */
  stop(): Promise<void>
}

/** What a broker that is one of several processes gets from the one that started them. */
interface WorkerPart {
  readonly sockets: readonly (UdpPlace & { readonly fd: number })[]
  readonly tlsSockets: readonly (TlsPlace & { readonly fd: number })[]
  /** Where all of them count together. */
  readonly localState: LocalState
  /** One of them answers HTTP and deletes what is old. */
  readonly isFirst: boolean
  /** The descriptor of the socket for HTTP; without one the worker opens it itself. */
  readonly httpFd?: number
  /** Names the accounting that waits on disk for this process to deliver it. */
  readonly spool: string
  /** The figures of all of them. */
  readonly figures: Pick<Figures, 'contentType' | 'metrics'>
  /** Told that a gateway has been seen to sign its requests. */
  readonly learned: (key: string) => void
}

export interface BrokerOptions {
  /** Whether answers of the API are checked against its contract too, as tests want it. */
  readonly checkAnswers?: boolean
  /** Absent: the broker is one process. */
  readonly worker?: WorkerPart
}

/**
 * Connects everything and listens.
 * @throws OperatorError, Unavailable if the records cannot be read, Error on the certificate.
 */
export async function startBroker(
  config: Config,
  store: Store,
  { clock, random, log }: Runtime = SYSTEM_RUNTIME,
  { checkAnswers = false, worker }: BrokerOptions = {},
): Promise<Broker> {
  const { metrics, figures } = prometheusMetrics()
  const runtime: Runtime = { clock, random, log, metrics }
  const { sessions, leases, gateways: memory, retention } = store.records
  const folder = config.storage.spool
  await using opened = new AsyncDisposableStack()
  // Released last: until then this process may write what another broker would deliver.
  const lock = opened.use(new DisposableStack())
  const state = await openEphemeralState(config, store.keys, runtime, worker?.localState)
  opened.defer(state.close)
  const ledger = new Ledger(sessions, ledgerRules(config), clock)
  const spools = new Spools({ folder, name: worker?.spool ?? 'accounting', sessions: ledger, log })
  opened.defer(() => spools.close())
  const withdrawals = new Withdrawals({ records: store.records.login, clock, random, log })
  opened.defer(() => withdrawals.stop())
  const gateways = await ClientTable.open({
    gateways: config.gateways,
    memory,
    clock,
    log,
    learned: worker?.learned,
  })
  opened.defer(async () => gateways.close())
  const traffic = TrafficTally.start({ store: store.records.traffic, clock, log })
  opened.defer(() => traffic.stop())
  const isFirst = worker?.isFirst !== false
  const parts: ProcessParts = {
    state,
    ledger,
    spools,
    gateways,
    traffic,
    equalizer: new ResponseTimeEqualizer(clock, random),
    withdrawals,
    figures: worker?.figures ?? figures,
    runtime,
    answersHttp: isFirst,
    checkAnswers,
  }
  const generation = await buildGeneration(config, store, parts)
  const server = new RadiusServer(generation.radius)
  const { tls: radsec } = config.radius
  const openSockets = async () => {
    const tls =
      radsec &&
      (await TlsListeners.open({
        places: tlsPlacesOf(config.radius),
        inherited: worker?.tlsSockets,
        ...{ radsec, server, clock, log, metrics },
      }))
    opened.defer(async () => tls?.close())
    const udp = await UdpListeners.open({
      places: placesOf(config.radius),
      inherited: worker?.sockets,
      receive: server.receive.bind(server),
      clock,
      log,
    })
    opened.defer(() => udp.close())
    return { udp, tls }
  }
  // A broker whose ports are taken must not touch the pools of the one that has them. A worker knows that it has the
  // sockets, and what it reads from them is lost if anything fails afterwards: it opens them last.
  const early = worker === undefined ? await openSockets() : undefined
  if (worker === undefined) lock.use(holdSpoolFolder(folder))
  const http = new HttpListener(log)
  opened.defer(() => http.stop())
  await http.open(generation.http, worker?.httpFd)
  releaseMemory()
  await generation.layOut()
  const listeners = early ?? (await openSockets())
  if (worker === undefined) spools.begin(spoolsIn(folder))
  if (isFirst) {
    const { keepMs, keepAuditMs, keepUsageMs } = config.storage
    const pruning = Pruning.start({ retention, keepMs, keepAuditMs, keepUsageMs, clock, log })
    const reaping = LeaseReaping.start({ leases, clock, log })
    opened.defer(() => pruning.stop())
    opened.defer(() => reaping.stop())
  }
  const swap = new Swap(generation, { ...parts, server, http, tls: listeners.tls })
  if (isFirst) {
    const { orders, agents } = store.records
    const rounds = OrderRounds.start({
      ...{ orders, agents, sessions, clock, random, log },
      gateways: () => swap.config.gateways,
    })
    opened.defer(() => rounds.stop())
    // Others can serve by the same records only there.
    if (config.storage.postgres !== undefined) {
      const { brokers } = store.records
      const presence = Presence.start({ brokers, keys: store.keys, config: () => swap.config, clock, log })
      opened.defer(() => presence.stop())
    }
    const delivery = AuditDelivery.start({
      records: store.records,
      config: () => swap.config,
      runtime,
    })
    opened.defer(() => delivery.stop())
    const mails = Mails.start({ serving: () => swap.serving, keys: store.keys, runtime })
    opened.defer(() => mails.stop())
  }
  const stack = opened.move()
  return {
    get listening() {
      const { udp, tls } = listeners
      const overTls = tls?.places.map((place) => ({ service: 'tls' as const, ...place })) ?? []
      const web = http.place === undefined ? [] : [{ service: 'http' as const, ...http.place }]
      return [...udp.places, ...overTls, ...web]
    },
    figures,
    swap,
    learn: (key) => gateways.learn(key),
    adopt: (left) => spools.begin(left),
    async stop() {
      listeners.udp.stopReceiving()
      listeners.tls?.stopReceiving()
      const [swapEnded] = await Promise.allSettled([swap.end(), server.drain(), http.stop()])
      if (swapEnded.status === 'rejected') log.error('reload.not_ended', { error: swapEnded.reason })
      await stack.disposeAsync()
      await swap.release()
    },
  }
}
