import { keepAccounting } from './accounting/keep.ts'
import { Spool } from './accounting/spool.ts'
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
import { decide, type LoginOptions } from './login/decide.ts'
import type { EnrolAtLogin } from './login/enrol-at-login.ts'
import { EnrolmentCodes } from './login/enrolment-codes.ts'
import { Pace } from './login/pace.ts'
import { type RecentGrant, SameAnswer } from './login/same-answer.ts'
import { recognise } from './login/second-factor.ts'
import { prometheusMetrics } from './observe/metrics.ts'
import { Pruning } from './store/pruning.ts'
import type { Records } from './store/records.ts'
import { Exchange, type Service } from './transport/exchange.ts'
import { GatewayTable } from './transport/gateway-table.ts'
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

/**
 * Connects everything and listens.
 * @param options `checkAnswers`: whether answers of the API are held against its contract too, as tests want it.
 * @throws PortTaken, PortNotOpen, and Unavailable where the records cannot be read.
 */
export async function startBroker(
  config: Config,
  store: Store,
  log: Log,
  machine: Machine = THIS_MACHINE,
  { checkAnswers = false }: { readonly checkAnswers?: boolean } = {},
): Promise<Broker> {
  const { clock, random } = machine
  const { metrics, registry } = prometheusMetrics()
  await using opened = new AsyncDisposableStack()
  const passing = await openPassing(config, store.keys, log, machine)
  opened.defer(passing.close)
  const login = loginOptions(config, store, passing, log, machine)
  const { sessions, gateways: memory, retention } = store.records
  const spool = new Spool({ folder: config.storage.spool, name: 'accounting', sessions, log })
  opened.defer(() => spool.close())
  const exchange = new Exchange({
    gateways: await GatewayTable.open({ gateways: config.gateways, memory, log }),
    decide: (attempt) => decide(attempt, login),
    keepAccounting: (record) =>
      keepAccounting(record, { sessions, spool, patienceMs: ACCOUNTING_PATIENCE_MS, log }),
    reply: { words: WORDS[config.radius.locale], tellLocked: config.lockout.tellUser },
    deadlineMs: config.radius.deadlineMs,
    maxInFlight: config.radius.maxInFlight,
    clock,
    random,
    log,
    metrics,
  })
  const listeners = await listen(config, exchange)
  for (const listener of listeners) opened.defer(() => listener.close())
  const { http: httpConfig } = config
  const http =
    httpConfig === undefined
      ? undefined
      : await startHttp({
          ...{ config, http: httpConfig, store, login, registry, log, machine, checkAnswers },
          dependencies: [...store.dependencies, ...passing.dependencies],
          passing,
        })
  // Only now: an earlier process with the same files would still have the ports.
  spool.begin()
  const { keepMs, keepAuditMs } = config.storage
  const pruning = Pruning.start({ retention, keepMs, keepAuditMs, clock, log })
  opened.defer(() => pruning.stop())
  const running = opened.move()
  return {
    listening: [
      ...listeners.map(({ service, address, port }) => ({ service, address, port })),
      ...(http === undefined ? [] : [{ service: 'http' as const, address: http.address, port: http.port }]),
    ],
    async stop() {
      for (const listener of listeners) listener.stopReceiving()
      await Promise.all([exchange.drain(), http?.stop()])
      await running.disposeAsync()
    },
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
async function listen({ radius }: Config, exchange: Exchange): Promise<UdpListener[]> {
  const listeners: UdpListener[] = []
  const receive = exchange.receive.bind(exchange)
  try {
    for (const address of radius.addresses) {
      listeners.push(await UdpListener.open({ service: 'auth', address, port: radius.authPort, receive }))
      listeners.push(await UdpListener.open({ service: 'acct', address, port: radius.acctPort, receive }))
    }
    return listeners
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()))
    throw error
  }
}
