import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Store } from '../broker-storage.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import { checkSpool } from '../doctor/accounting-spool.ts'
import { checkCertificate } from '../doctor/certificate.ts'
import { checkClock } from '../doctor/clock-in-step.ts'
import { checkDependencies } from '../doctor/dependencies.ts'
import { checkDiskSpace } from '../doctor/disk-space.ts'
import type { Check, Finding } from '../doctor/finding.ts'
import { checkPools } from '../doctor/pools.ts'
import { checkRedisSettings } from '../doctor/redis-settings.ts'
import { checkRunning } from '../doctor/running-broker.ts'
import { checkSignedGateways } from '../doctor/signed-gateways.ts'
import { checkUnenrolled } from '../doctor/unenrolled-users.ts'
import { systemClock } from '../domain/clock.ts'
import { quietLog } from '../domain/log.ts'
import { connectRedis, type RedisConnection } from '../limits/redis-connection.ts'
import { examineRedis } from '../limits/redis-examination.ts'
import { SharedSecret } from '../radius/authenticators.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, openStoreOrComplain, verb } from './office.ts'
import { print } from './output.ts'
import { gatewayOf, serverOf } from './own-broker.ts'
import { askForStatus } from './radius-client.ts'
import { replyRules } from './reply-rules.ts'

/** How long each thing that logins need may take to answer, in milliseconds. */
const READY_WITHIN_MS = 5000

export function doctorCommand(): Command {
  return verb('doctor', 'look at everything that logins need, and say what to do; changes nothing').action(
    examine,
  )
}

async function examine({ config: file, json }: CommonOptions): Promise<void> {
  const loaded = await loadConfig(file, process.env, replyRules)
  if ('faults' in loaded) throw new Complaint(describeFaults(file, loaded.faults))
  const warnings = loaded.warnings.map(({ path, problem, suggestion }): Finding => {
    return { about: `${file}, ${path}`, level: 'warning', says: problem, advice: suggestion }
  })
  await using opened = new AsyncDisposableStack()
  const store = await openStoreOrComplain(loaded.config)
  opened.defer(store.close)
  const redis = await openRedis(loaded.config)
  if (redis !== undefined) opened.defer(async () => redis.close())

  const checks = checksOf(loaded.config, store, redis)
  const findings = [...warnings, ...(await Promise.all(checks.map((check) => check()))).flat()]
  print(json, { findings }, () => findings.flatMap(told))
  if (findings.some(({ level }) => level === 'fault')) throw new Complaint('')
}

function checksOf(config: Config, store: Store, redis: RedisConnection | undefined): Check[] {
  const { storage, secondFactor, http, gateways } = config
  const { records, dependencies } = store
  const alsoRedis = redis === undefined ? [] : [{ name: 'redis', checkReady: redis.checkReady }]
  return [
    checkRunning({
      'authentication port': () => askForStatusAt(config, 'auth'),
      'accounting port': () => askForStatusAt(config, 'acct'),
    }),
    checkDependencies([...dependencies, ...alsoRedis], systemClock, READY_WITHIN_MS),
    ...(redis === undefined ? [] : [checkRedisSettings((log) => examineRedis(redis, log))]),
    checkSignedGateways(gateways, records.gateways),
    ...(secondFactor.required ? [checkUnenrolled(records.users, records.enrolmentRegister)] : []),
    ...(http?.tls === undefined ? [] : [checkCertificate(http.tls.certFile, systemClock)]),
    checkPools(config.pools, records.leases),
    checkSpool(storage.spool),
    checkDiskSpace(storage.postgres === undefined ? [storage.sqlite, storage.spool] : [storage.spool]),
    checkClock(),
  ]
}

/** Connected, or given up for now. */
async function openRedis({ redis }: Config): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined
  const connection = connectRedis(redis, quietLog)
  await Promise.race([connection.whenReady(), sleep(READY_WITHIN_MS, undefined, { ref: false })])
  return connection
}

async function askForStatusAt(config: Config, service: 'auth' | 'acct'): Promise<void> {
  const server = serverOf(config, service)
  const { secret } = gatewayOf(config, server.address)
  await askForStatus({ server, secret: new SharedSecret(secret.bytes()) })
}

const MARKS = { good: 'ok     ', warning: 'warning', fault: 'FAULT  ' } as const

function told({ about, level, says, advice }: Finding): string[] {
  return [`${MARKS[level]}  ${about}: ${says}`, ...(advice === undefined ? [] : [`         ${advice}`])]
}
