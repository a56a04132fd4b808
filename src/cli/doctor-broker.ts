import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import packageFile from '../../package.json' with { type: 'json' }
import { buildIdentities } from '../app/identities.ts'
import { openOutlet } from '../app/mails.ts'
import { replyRules } from '../app/reply-rules.ts'
import { openStore, type Store } from '../app/storage.ts'
import { type ConfigError, loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { checkSpool } from '../doctor/accounting-spool.ts'
import { checkAgents } from '../doctor/agents.ts'
import { checkAuditSinks } from '../doctor/audit-sinks.ts'
import { checkCertificate } from '../doctor/certificate.ts'
import { checkClock } from '../doctor/clock-synchronisation.ts'
import { checkDependencies } from '../doctor/dependencies.ts'
import { checkDiskSpace } from '../doctor/disk-space.ts'
import { checkDrops } from '../doctor/drops.ts'
import { type Check, type Finding, fault } from '../doctor/finding.ts'
import { checkIdentityRemarks } from '../doctor/identity-remarks.ts'
import { checkListeningAddress } from '../doctor/listening-address.ts'
import { checkMachineNetworks } from '../doctor/machine-networks.ts'
import { checkMail } from '../doctor/mail.ts'
import { checkNamesakes } from '../doctor/namesakes.ts'
import { checkPasskeys } from '../doctor/passkeys.ts'
import { checkPools } from '../doctor/pools.ts'
import { checkRedisSettings } from '../doctor/redis-settings.ts'
import { type IdentifiedFinding, runChecks } from '../doctor/run-checks.ts'
import { checkSessionEnds } from '../doctor/session-ends.ts'
import { checkSignedGateways } from '../doctor/signed-gateways.ts'
import { checkSingleSignOn } from '../doctor/single-sign-on.ts'
import { checkUnenrolled } from '../doctor/unenrolled-users.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { CALLBACK_PATH } from '../http/single-sign-on.ts'
import type { RedisConnection } from '../redis/connection.ts'
import { checkServerSettings } from '../redis/settings-check.ts'
import { providerRemarks } from '../single-sign-on/remarks.ts'
import { certificateCheck } from './check-before-start.ts'
import type { DoctorOptions } from './doctor.ts'
import { checkClocks, checkOtherBrokers } from './doctor-others.ts'
import { checkRunning } from './doctor-running.ts'
import { namesakesIn } from './namesakes-in.ts'
import { openRedis } from './open-redis.ts'

/** The records and Redis are opened first, side by side, and then all checks run at once; in milliseconds. */
const OPEN_WITHIN_MS = 3000
/** How long each thing that logins need may take to answer. */
const READY_WITHIN_MS = 4000
/** How long a check may take. With the start of the program all of it stays under 10 s. */
const WITHIN_MS = 5000

/** All checks of the broker's side. */
export async function examineBroker({
  config: file,
  only,
}: DoctorOptions): Promise<readonly IdentifiedFinding[]> {
  const loaded = await loadConfig(file, process.env, replyRules)
  if ('faults' in loaded) {
    // Without a configuration there is nothing else to look at.
    const found = loaded.faults.map((each) => configurationFinding(file, 'fault', each))
    return await runChecks({ configuration: async () => found }, WITHIN_MS)
  }
  const warnings = loaded.warnings.map((each) => configurationFinding(file, 'warning', each))
  await using opened = new AsyncDisposableStack()
  const { config } = loaded
  const [store, redis] = await Promise.all([
    openRecords(config, opened),
    openRedis(config, { connectMs: OPEN_WITHIN_MS, commandMs: READY_WITHIN_MS }),
  ])
  if (redis !== undefined) opened.defer(async () => redis.close())

  const identities = 'close' in store ? store : await openIdentities(config, opened)
  const checks: Record<string, Check> = {
    configuration: async () => warnings,
    ...checksOf(config, identities, redis),
    ...(config.mail !== undefined && {
      mail: checkMail({
        tryOut: () => tryMail(config.mail),
        mails: 'close' in store ? store.records.mails : undefined,
        clock: systemClock,
      }),
    }),
    'server-clocks': checkClocks('close' in store ? store : undefined, redis),
    ...('close' in store
      ? checksOfRecords(config, store)
      : { storage: async () => [fault('storage', store, 'nobody logs in until this is mended')] }),
  }
  return await runChecks(checks, WITHIN_MS, only)
}

async function tryMail(mail: Config['mail']): Promise<void> {
  if (mail === undefined) return
  const outlet = await openOutlet(mail, READY_WITHIN_MS)
  try {
    await outlet.check()
  } finally {
    outlet.close()
  }
}

function configurationFinding(
  file: string,
  verdict: Finding['verdict'],
  { path, line, problem, suggestion }: ConfigError,
): Finding {
  return { about: placeIn(file, line, path), verdict, cause: problem, remedy: suggestion }
}

function placeIn(file: string, line: number | undefined, path: string): string {
  if (line === undefined) return path === '' ? file : `${file}, ${path}`
  return path === '' ? `${file}, line ${line}` : `${file}, line ${line}, ${path}`
}

/** @returns why they cannot be opened, where they cannot: what else logins need is looked at all the same. */
async function openRecords(config: Config, opened: AsyncDisposableStack): Promise<Store | OperatorError> {
  const opening = openStore(config, SYSTEM_RUNTIME, 'command')
  const store = await Promise.race([
    opening.catch(refusalOf),
    sleep(OPEN_WITHIN_MS, undefined, { ref: false }).then(
      () => new OperatorError(`${placeOf(config)} does not answer within ${OPEN_WITHIN_MS / 1000} s`),
    ),
  ])
  if ('close' in store) opened.defer(store.close)
  else
    opening.then(
      (late) => late.close(),
      () => undefined,
    )
  return store
}

function placeOf({ storage: { sqlite, postgres } }: Config): string {
  return postgres === undefined ? sqlite : `PostgreSQL at ${postgres.server.host}:${postgres.server.port}`
}

function refusalOf(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  throw error
}

type AskedIdentities = Pick<Store, 'dependencies' | 'findIdentityRemarks'>

/** The identity stores without the broker's own users. */
async function openIdentities(config: Config, opened: AsyncDisposableStack): Promise<AskedIdentities> {
  const { dependencies, findRemarks, close } = await buildIdentities(config, SYSTEM_RUNTIME)
  opened.defer(close)
  return { dependencies, findIdentityRemarks: findRemarks }
}

function checksOf(
  config: Config,
  identities: AskedIdentities,
  redis: RedisConnection | undefined,
): Record<string, Check> {
  const { storage, http, radius, portal } = config
  const { singleSignOn } = portal
  const alsoRedis = redis === undefined ? [] : [{ name: 'redis', checkReady: redis.checkReady }]
  return {
    running: checkRunning(config, READY_WITHIN_MS),
    dependencies: checkDependencies([...identities.dependencies, ...alsoRedis], systemClock, READY_WITHIN_MS),
    'identity-remarks': checkIdentityRemarks(() => identities.findIdentityRemarks(READY_WITHIN_MS)),
    ...(redis !== undefined && {
      'redis-settings': checkRedisSettings((log) => checkServerSettings(redis, log)),
    }),
    ...(http?.tls !== undefined && { certificate: certificateCheck(config) }),
    ...(radius.tls !== undefined && { 'radius-certificate': checkCertificate(radius.tls, systemClock) }),
    ...(singleSignOn !== undefined && {
      'single-sign-on': checkSingleSignOn(() =>
        providerRemarks({ ...singleSignOn, callbackPath: CALLBACK_PATH }),
      ),
    }),
    'listening-address': checkListeningAddress(radius.addresses, config.gateways),
    'machine-networks': checkMachineNetworks(config.pools, networkInterfaces),
    spool: checkSpool(storage.spool),
    disk: checkDiskSpace(storage.postgres === undefined ? [storage.sqlite, storage.spool] : [storage.spool]),
    clock: checkClock(),
  }
}

function checksOfRecords(config: Config, store: Store): Record<string, Check> {
  const { gateways, secondFactor, identity, pools, policies, audit, portal } = config
  const { records } = store
  return {
    drops: checkDrops(gateways, records.traffic, systemClock),
    'signed-gateways': checkSignedGateways(gateways, records.gateways, systemClock),
    ...(secondFactor.required && { unenrolled: checkUnenrolled(records.users, records.enrolments) }),
    ...(identity.order.length > 1 && {
      namesakes: checkNamesakes(records.users, (name) => namesakesIn(store, name)),
    }),
    'audit-sinks': checkAuditSinks(
      [...audit.syslog, ...audit.webhook].map(({ name }) => name),
      records.sinks,
      systemClock,
    ),
    passkeys: checkPasskeys(records.passkeys, portal.passkeys?.rpId),
    pools: checkPools(pools, records.leases),
    brokers: checkOtherBrokers(config, store),
    'session-ends': checkSessionEnds(policies, gateways, records.tokens, systemClock),
    agents: checkAgents(
      records.agents,
      gateways.map(({ name }) => name),
      packageFile.version,
      systemClock,
    ),
  }
}
