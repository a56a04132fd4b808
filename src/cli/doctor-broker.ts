import { setTimeout as sleep } from 'node:timers/promises'
import packageFile from '../../package.json' with { type: 'json' }
import { buildIdentities } from '../app/identities.ts'
import { gatewayOf, serverOf } from '../app/local-endpoint.ts'
import { replyRules } from '../app/reply-rules.ts'
import { openStore, type Store } from '../app/storage.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { checkSpool } from '../doctor/accounting-spool.ts'
import { checkAgents } from '../doctor/agents.ts'
import { checkCertificate } from '../doctor/certificate.ts'
import { checkClock } from '../doctor/clock-synchronisation.ts'
import { checkDependencies } from '../doctor/dependencies.ts'
import { checkDiskSpace } from '../doctor/disk-space.ts'
import { type Check, type Finding, fault } from '../doctor/finding.ts'
import { checkIdentityRemarks } from '../doctor/identity-remarks.ts'
import { checkNamesakes } from '../doctor/namesakes.ts'
import { checkPools } from '../doctor/pools.ts'
import { checkRedisSettings } from '../doctor/redis-settings.ts'
import { type IdentifiedFinding, runChecks } from '../doctor/run-checks.ts'
import { checkRunning } from '../doctor/running-broker.ts'
import { checkSessionEnds } from '../doctor/session-ends.ts'
import { checkSignedGateways } from '../doctor/signed-gateways.ts'
import { checkUnenrolled } from '../doctor/unenrolled-users.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { quietLog } from '../domain/log.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { encodeAttribute } from '../radius/dictionary.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import { connectRedis, type RedisConnection } from '../redis/connection.ts'
import { checkServerSettings } from '../redis/settings-check.ts'
import type { DoctorOptions } from './doctor.ts'
import { checkClocks, checkOtherBrokers } from './doctor-others.ts'
import { namesakesIn } from './namesakes-in.ts'
import { askForStatus } from './radius-client.ts'

/** How long each thing that logins need may take to answer, in milliseconds. */
const READY_WITHIN_MS = 5000

/** All checks of the broker's side. They run at once, and one that hangs ends. */
const WITHIN_MS = 8000

/** @throws OperatorError where the configuration has faults. */
export async function examineBroker({
  config: file,
  only,
}: DoctorOptions): Promise<readonly IdentifiedFinding[]> {
  const loaded = await loadConfig(file, process.env, replyRules)
  if ('faults' in loaded) throw new OperatorError(describeFaults(file, loaded.faults))
  const warnings = loaded.warnings.map(({ path, problem, suggestion }): Finding => {
    return { about: `${file}, ${path}`, verdict: 'warning', cause: problem, remedy: suggestion }
  })
  await using opened = new AsyncDisposableStack()
  const { config } = loaded
  const store = await openStore(config, SYSTEM_RUNTIME, 'command').catch(refusalOf)
  if ('close' in store) opened.defer(store.close)
  const redis = await openRedis(config)
  if (redis !== undefined) opened.defer(async () => redis.close())

  const identities = 'close' in store ? store : await openIdentities(config, opened)
  const checks: Record<string, Check> = {
    configuration: async () => warnings,
    ...checksOf(config, identities, redis),
    'server-clocks': checkClocks('close' in store ? store : undefined, redis),
    ...('close' in store ? checksOfRecords(config, store) : { storage: checkStorage(store) }),
  }
  return await runChecks(checks, WITHIN_MS, only)
}

/** Why the records cannot be opened. What else logins need is looked at all the same. */
function refusalOf(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  throw error
}

function checkStorage(refusal: OperatorError): Check {
  return async () => [fault('storage', refusal)]
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
  const { storage, http } = config
  const alsoRedis = redis === undefined ? [] : [{ name: 'redis', checkReady: redis.checkReady }]
  return {
    running: checkRunning({
      'authentication port': () => askForStatusAt(config, 'auth'),
      'accounting port': () => askForStatusAt(config, 'acct'),
    }),
    dependencies: checkDependencies([...identities.dependencies, ...alsoRedis], systemClock, READY_WITHIN_MS),
    'identity-remarks': checkIdentityRemarks(() => identities.findIdentityRemarks(READY_WITHIN_MS)),
    ...(redis !== undefined && {
      'redis-settings': checkRedisSettings((log) => checkServerSettings(redis, log)),
    }),
    ...(http?.tls !== undefined && { certificate: checkCertificate(http.tls.certFile, systemClock) }),
    spool: checkSpool(storage.spool),
    disk: checkDiskSpace(storage.postgres === undefined ? [storage.sqlite, storage.spool] : [storage.spool]),
    clock: checkClock(),
  }
}

function checksOfRecords(config: Config, store: Store): Record<string, Check> {
  const { gateways, secondFactor, identity, pools, policies } = config
  const { records } = store
  return {
    'signed-gateways': checkSignedGateways(gateways, records.gateways, systemClock),
    ...(secondFactor.required && { unenrolled: checkUnenrolled(records.users, records.enrolments) }),
    ...(identity.order.length > 1 && {
      namesakes: checkNamesakes(records.users, (name) => namesakesIn(store, name)),
    }),
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

/** Connected, or given up for now. */
async function openRedis({ redis }: Config): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined
  // A login cannot wait; a command that has just started on a busy machine can.
  const connection = connectRedis({ ...redis, commandMs: READY_WITHIN_MS }, quietLog)
  await Promise.race([connection.whenReady(), sleep(READY_WITHIN_MS, undefined, { ref: false })])
  return connection
}

async function askForStatusAt(config: Config, service: 'auth' | 'acct'): Promise<void> {
  const server = serverOf(config, service)
  const { secret, nasIdentifiers } = gatewayOf(config, server.address)
  const named = nasIdentifiers.slice(0, 1).map((name) => encodeAttribute('NAS-Identifier', name))
  await askForStatus({ server, secret: new SharedSecret(secret.bytes()) }, named, READY_WITHIN_MS)
}
