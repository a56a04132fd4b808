import { keepAccounting } from './accounting/keep.ts'
import { spoolsIn } from './accounting/spool.ts'
import { Spools } from './accounting/spools.ts'
import { startHttp } from './broker-http.ts'
import { buildIdentities, type Identities } from './broker-identity.ts'
import { openPassing, type Passing } from './broker-passing.ts'
import { openStorage, type StorageUse } from './broker-storage.ts'
import type { Config } from './config/shape.ts'
import { type Clock, systemClock } from './domain/clock.ts'
import type { Dependency } from './domain/dependency.ts'
import type { KeyRing } from './domain/key-ring.ts'
import type { Log } from './domain/log.ts'
import type { LoginName } from './domain/login-name.ts'
import type { Candidate } from './domain/person.ts'
import { choosePolicy } from './domain/policy.ts'
import { type Randomness, systemRandom } from './domain/random.ts'
import { WORDS } from './domain/words.ts'
import { candidates } from './identity/fan-out.ts'
import { localIdentity } from './identity/local.ts'
import { PasswordHashes } from './identity/password-hashes.ts'
import type { OwnState } from './limits/own-state.ts'
import { decide, type LoginOptions } from './login/decide.ts'
import type { EnrolAtLogin } from './login/enrol-at-login.ts'
import { EnrolmentCodes } from './login/enrolment-codes.ts'
import { Pace } from './login/pace.ts'
import { type RecentGrant, SameAnswer } from './login/same-answer.ts'
import { recognise } from './login/second-factor.ts'
import { type Figures, prometheusMetrics } from './observe/metrics.ts'
import { Pruning } from './store/pruning.ts'
import type { Records } from './store/records.ts'
import { Exchange, type Service } from './transport/exchange.ts'
import { GatewayTable } from './transport/gateway-table.ts'
import { handOver, Inheriting } from './transport/hand-over.ts'
import type { Heir, Inheritance } from './transport/inheritance.ts'
import { UdpListener } from './transport/udp-listener.ts'

/** What is kept: the records and the keys that open the seeds in them. The command line works on this alone. */
export interface Store {
  readonly records: Records
  readonly keys: KeyRing
  readonly hashes: PasswordHashes
  /** Which identity stores may know a name that comes through a gateway, and what the user is called there. */
  candidates(name: LoginName, gateway?: string): readonly Candidate[]
  /** The identity stores that cannot be asked now. */
  findIdentityFaults: Identities['findFaults']
  /** What `/readyz` asks. */
  readonly dependencies: readonly Dependency[]
  close(): Promise<void>
}

export interface Machine {
  readonly clock: Clock
  readonly random: Randomness
}

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

/** Logins that may be answered once more at one time; each costs about a kilobyte. */
const MOST_RECENT_GRANTS = 50_000
/** How long the database may take over an accounting record before that goes to the spool, in milliseconds. */
const ACCOUNTING_PATIENCE_MS = 1000
const MOST_ENROLMENT_CODES = 10_000

const THIS_MACHINE: Machine = { clock: systemClock, random: systemRandom }

/** @throws Error that names the file: a broken database, a key file that others can read. Nothing is changed then. */
export async function openStore(
  config: Config,
  log: Log,
  machine: Machine = THIS_MACHINE,
  use: StorageUse = 'serving',
): Promise<Store> {
  const { clock, random } = machine
  const { records, keys, checkReady, close } = await openStorage(config.storage, use, log, machine)
  const hashes = new PasswordHashes(config.passwords)
  const local = localIdentity({ users: records.users, hashes, clock, checkReady })
  const identities = buildIdentities(config, { local, clock, random, log })
  return {
    records,
    keys,
    hashes,
    candidates: (name, gateway) => candidates(identities.members, name, gateway),
    findIdentityFaults: identities.findFaults,
    dependencies: [{ name: 'storage', checkReady }, ...identities.dependencies],
    async close() {
      await identities.close()
      await close()
    },
  }
}

export interface BrokerOptions {
  /** Whether answers of the API are held against its contract too, as tests want it. */
  readonly checkAnswers?: boolean
  /** Absent: the broker is one process. */
  readonly worker?: WorkerPart
}

/**
 * Connects everything and listens.
 * @throws PortTaken, PortNotOpen, and Unavailable where the records cannot be read.
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
  // Only now: an earlier process with the same files would still have the ports.
  prepared.beAlone(spoolsIn(config.storage.spool))
  return broker
}

/** Connects everything and listens nowhere yet. @throws Unavailable where the records cannot be read. */
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
  const { sessions, gateways: memory, retention } = store.records
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
  const exchange = new Exchange({
    gateways,
    decide: (attempt) => decide(attempt, login),
    keepAccounting: (record) =>
      keepAccounting(record, { sessions, spool: spools, patienceMs: ACCOUNTING_PATIENCE_MS, log }),
    reply: { words: WORDS[config.radius.locale], tellLocked: config.lockout.tellUser },
    deadlineMs: config.radius.deadlineMs,
    maxInFlight: config.radius.maxInFlight,
    clock,
    random,
    log,
    metrics,
  })
  const inheriting = new Inheriting(exchange)
  const running = opened.move()

  async function begin(): Promise<Broker> {
    await using stack = running
    const listeners = await listen(config, exchange, worker)
    for (const listener of listeners) stack.defer(() => listener.close())
    inheriting.begin(listeners)
    const { http: httpConfig } = config
    const http =
      httpConfig === undefined || worker?.isFirst === false
        ? undefined
        : await startHttp({
            ...{ config, http: httpConfig, store, login, log, machine, checkAnswers, passing },
            figures: worker?.figures ?? figures,
            dependencies: [...store.dependencies, ...passing.dependencies],
          })
    if (worker?.isFirst !== false) {
      const { keepMs, keepAuditMs } = config.storage
      const pruning = Pruning.start({ retention, keepMs, keepAuditMs, clock, log })
      stack.defer(() => pruning.stop())
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

function loginOptions(
  config: Config,
  store: Store,
  { limits, challenges, open }: Passing,
  log: Log,
  { clock, random }: Machine,
): LoginOptions {
  const { records, keys } = store
  const { mode, required, tries, answerWithinMs, sameAnswerWithinMs, totp } = config.secondFactor
  const { exempt, tellUser: _, ...rules } = config.lockout
  const enrolmentCodes = new EnrolmentCodes(open('enrolment codes', MOST_ENROLMENT_CODES), random)
  const enrolAtLogin = enrolmentAtLogin(config, enrolmentCodes)
  const recognising = { keys, clock, window: totp.window }
  const sameAnswer =
    sameAnswerWithinMs === 0
      ? undefined
      : new SameAnswer({
          recent: open<RecentGrant>('recent grants', MOST_RECENT_GRANTS),
          withinMs: sameAnswerWithinMs,
          ...recognising,
          log,
        })
  return {
    limits,
    background: { records: records.login, candidates: store.candidates, exempt, clock },
    firstFactor: {
      mode,
      challenges,
      enrolmentCodes,
      isCodeNow: (enrolment, code) => recognise(enrolment, code, recognising).kind !== 'wrong',
    },
    secondFactor: { required, mode, tries, ...recognising, enrolAtLogin },
    policies: config.policies,
    grant: { records: records.login, clock, random, sameAnswer },
    pace: new Pace(clock),
    settle: {
      records: records.login,
      audit: records.audit,
      challenges,
      rules,
      exempt,
      challengeTtlMs: answerWithinMs,
      enrolAtLogin,
      clock,
      random,
      log,
    },
  }
}

/** By policy, and only where a policy lets the user in. */
function enrolmentAtLogin(
  { portal, policies, secondFactor }: Config,
  codes: EnrolmentCodes,
): EnrolAtLogin | undefined {
  if (portal.publicUrl === undefined) return undefined
  return {
    page: `${portal.publicUrl}/enrol`,
    codes,
    mayEnrol({ gateway, address }, person) {
      const policy = choosePolicy(policies, person, gateway, address)
      return policy?.reply !== undefined && (policy.enrolAtLogin ?? secondFactor.enrolAtLogin)
    },
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
