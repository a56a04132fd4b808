import { keepAccounting } from './accounting/keep.ts'
import { spoolsIn } from './accounting/spool.ts'
import { Spools } from './accounting/spools.ts'
import { prepareHttp } from './broker-http.ts'
import { loginOptions } from './broker-login.ts'
import { openPassing } from './broker-passing.ts'
import { holdSpoolFolder } from './broker-spool.ts'
import type { Store } from './broker-storage.ts'
import type { Config } from './config/shape.ts'
import { layoutOf } from './domain/address-pool.ts'
import type { Log } from './domain/log.ts'
import { type Machine, THIS_MACHINE } from './domain/machine.ts'
import { WORDS } from './domain/words.ts'
import type { OwnState } from './limits/own-state.ts'
import { decide } from './login/decide.ts'
import { type Figures, prometheusMetrics } from './observe/metrics.ts'
import { layOut } from './store/lease-layout.ts'
import { LeaseReaping } from './store/lease-reaping.ts'
import { Pruning } from './store/pruning.ts'
import { Exchange, type Service } from './transport/exchange.ts'
import { GatewayTable } from './transport/gateway-table.ts'
import { handOver, Inheriting } from './transport/hand-over.ts'
import type { Heir, Inheritance } from './transport/inheritance.ts'
import { UdpListener } from './transport/udp-listener.ts'

export interface Broker {
  /** Where it listens, with the ports that it really has. */
  readonly listening: readonly {
    readonly service: Service | 'http'
    readonly address: string
    readonly port: number
  }[]
  /** Takes no more requests, answers those in flight, and closes its sockets. The store stays open. */
  stop(): Promise<void>
  /** Lets go of its sockets: from here on what is in flight is answered through the heir. `stop` ends it then. */
  handOver(heir: Heir): Promise<void>
}

/** What a broker that is one of several processes has from the one that started them. */
export interface WorkerPart {
  readonly sockets: readonly {
    readonly service: Service
    readonly address: string
    readonly port: number
    readonly fd: number
  }[]
  /** Where all of them count together. */
  readonly own: OwnState
  /** One of them answers HTTP and forgets what is old. */
  readonly isFirst: boolean
  /** The port on which the process listens for HTTP that this one follows; it lets go of it before this one begins. */
  readonly heldHttpPort?: number
  /** Names the accounting that waits on disk for this process to deliver it. */
  readonly spool: string
  /** The figures of all of them. */
  readonly figures: Pick<Figures, 'contentType' | 'metrics'>
  /** Told that a gateway has been seen to sign its requests. */
  readonly learned: (key: string) => void
}

/** A broker that has everything but its sockets. */
export interface PreparedBroker {
  readonly figures: Figures
  /** Listens. @throws PortTaken, PortNotOpen */
  begin(): Promise<Broker>
  /** What the process passes on whose sockets this one takes over. */
  inherit(what: Inheritance): void
  /** That process has ended, and left these spools behind. */
  beAlone(left: readonly string[]): void
  /** Another process has seen that a gateway signs its requests. */
  learn(key: string): void
  close(): Promise<void>
}

/** How long the database may take over an accounting record before that goes to the spool, and the spool then over a Start, in milliseconds. */
const ACCOUNTING_PATIENCE_MS = 1000

export interface BrokerOptions {
  /** Whether answers of the API are held against its contract too, as tests want it. */
  readonly checkAnswers?: boolean
  /** Absent: the broker is one process. */
  readonly worker?: WorkerPart
}

/**
 * Connects everything and listens.
 * @throws PortTaken, PortNotOpen, SpoolFolderTaken, and Unavailable where the records cannot be read.
 */
export async function startBroker(
  config: Config,
  store: Store,
  log: Log,
  machine: Machine = THIS_MACHINE,
  options: BrokerOptions = {},
): Promise<Broker> {
  const prepared = await prepareBroker(config, store, log, machine, options)
  const broker = await prepared.begin()
  try {
    // Only now: an earlier process with the same files would still have the ports.
    const folder = holdSpoolFolder(config.storage.spool)
    prepared.beAlone(spoolsIn(config.storage.spool))
    return { ...broker, stop: () => broker.stop().finally(() => folder[Symbol.dispose]()) }
  } catch (error) {
    await broker.stop()
    throw error
  }
}

/**
 * Connects everything and listens nowhere yet.
 * @throws Unavailable where the records cannot be read, Error on the certificate, and PortNotOpen where the broker is one
 * of several processes and could not listen for HTTP.
 */
export async function prepareBroker(
  config: Config,
  store: Store,
  log: Log,
  machine: Machine = THIS_MACHINE,
  { checkAnswers = false, worker }: BrokerOptions = {},
): Promise<PreparedBroker> {
  const { clock, random } = machine
  const { metrics, figures } = prometheusMetrics()
  await using opened = new AsyncDisposableStack()
  const passing = await openPassing(config, store.keys, log, machine, worker?.own)
  opened.defer(passing.close)
  const login = loginOptions(config, store, passing, log, machine)
  const { sessions, leases, gateways: memory, retention } = store.records
  const spools = new Spools({
    folder: config.storage.spool,
    name: worker?.spool ?? 'accounting',
    ...{ sessions, log },
  })
  opened.defer(() => spools.close())
  const gateways = await GatewayTable.open({
    gateways: config.gateways,
    ...{ memory, log, learned: worker?.learned },
  })
  // The sockets are open before that: a login waits for its address.
  const laidOut = Promise.withResolvers<void>()
  const exchange = new Exchange({
    gateways,
    decide: (attempt) => laidOut.promise.then(() => decide(attempt, login)),
    keepAccounting: (record) =>
      keepAccounting(record, {
        ...{ sessions, spool: spools, log },
        ...{ patienceMs: ACCOUNTING_PATIENCE_MS, holdMs: config.radius.deadlineMs },
      }),
    reply: { words: WORDS[config.radius.locale], tellLocked: config.lockout.tellUser },
    deadlineMs: config.radius.deadlineMs,
    maxInFlight: config.radius.maxInFlight,
    clock,
    random,
    log,
    metrics,
  })
  const inheriting = new Inheriting(exchange)
  const { http: httpConfig } = config
  const preparedHttp =
    httpConfig === undefined || worker?.isFirst === false
      ? undefined
      : await prepareHttp({
          ...{ config, http: httpConfig, store, login, log, machine, checkAnswers, passing },
          figures: worker?.figures ?? figures,
          dependencies: [...store.dependencies, ...passing.dependencies],
        })
  if (worker !== undefined) await preparedHttp?.tryPort(worker.heldHttpPort)
  const running = opened.move()

  async function begin(): Promise<Broker> {
    await using stack = running
    const openSockets = async () => {
      const opened = await listen(config, exchange, worker)
      for (const listener of opened) stack.defer(() => listener.close())
      return opened
    }
    // Sockets that were handed down are nobody else's, and what was read from them is lost where anything fails then.
    const own = worker === undefined ? await openSockets() : undefined
    const http = await preparedHttp?.listen()
    await layOut(leases, config.pools.map(layoutOf))
    laidOut.resolve()
    const listeners = own ?? (await openSockets())
    inheriting.begin(listeners)
    if (worker?.isFirst !== false) {
      const { keepMs, keepAuditMs } = config.storage
      const pruning = Pruning.start({ retention, keepMs, keepAuditMs, clock, log })
      const reaping = LeaseReaping.start({ leases, clock, log, metrics })
      stack.defer(() => pruning.stop())
      stack.defer(() => reaping.stop())
    }
    const begun = stack.move()
    let httpStopped: Promise<void> | undefined
    return {
      listening: [
        ...listeners.map(({ service, address, port }) => ({ service, address, port })),
        ...(http === undefined ? [] : [{ service: 'http' as const, address: http.address, port: http.port }]),
      ],
      async handOver(heir) {
        await handOver(exchange, listeners, heir)
        httpStopped = http?.stop()
      },
      async stop() {
        for (const listener of listeners) listener.stopReceiving()
        httpStopped ??= http?.stop()
        await Promise.all([exchange.drain(), httpStopped])
        await begun.disposeAsync()
      },
    }
  }

  return {
    figures,
    begin,
    inherit: (what) => inheriting.take(what),
    beAlone(left) {
      exchange.awaitNothing()
      spools.begin(left)
    },
    learn: (key) => gateways.learn(key),
    close: () => running.disposeAsync(),
  }
}

/** Opens every socket or none. */
async function listen({ radius }: Config, exchange: Exchange, worker?: WorkerPart): Promise<UdpListener[]> {
  const listeners: UdpListener[] = []
  const receive = exchange.receive.bind(exchange)
  const places =
    worker?.sockets ??
    radius.addresses.flatMap((address) => [
      { service: 'auth' as const, address, port: radius.authPort },
      { service: 'acct' as const, address, port: radius.acctPort },
    ])
  try {
    for (const place of places) listeners.push(await UdpListener.open({ ...place, receive }))
    return listeners
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()))
    throw error
  }
}
