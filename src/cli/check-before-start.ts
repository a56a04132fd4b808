import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { buildIdentities, type Identities } from '../app/identities.ts'
import type { NamedFile } from '../config/named-files.ts'
import type { Config } from '../config/schema.ts'
import type { Account } from '../doctor/account-access.ts'
import { checkCertificate } from '../doctor/certificate.ts'
import { checkDependencies } from '../doctor/dependencies.ts'
import { checkFileAccess, type NeededFile } from '../doctor/file-access.ts'
import { type Check, type Finding, fault } from '../doctor/finding.ts'
import { checkIdentityRemarks } from '../doctor/identity-remarks.ts'
import { checkListeningAddress } from '../doctor/listening-address.ts'
import { checkMachineNetworks } from '../doctor/machine-networks.ts'
import { type IdentifiedFinding, runChecks } from '../doctor/run-checks.ts'
import { systemClock } from '../domain/clock.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { checkPorts } from './check-ports.ts'
import { checkRecords } from './check-records.ts'
import { findUnendedSessions } from './check-session-ends.ts'
import { openRedis } from './open-redis.ts'

const CONNECT_WITHIN_MS = 3000
const READY_WITHIN_MS = 4000
const WITHIN_MS = 8000

/** A sound configuration with what it needs on this machine. */
export interface BeforeStart {
  readonly config: Config
  /** The configuration itself. */
  readonly file: string
  /** That it names. */
  readonly files: readonly NamedFile[]
  /** That will run the broker; absent: not known. */
  readonly account?: Account
}

/** What would keep the broker from starting, or from being right, all at once. Nothing is changed. */
export function examineBeforeStart(before: BeforeStart): Promise<readonly IdentifiedFinding[]> {
  const { config, account } = before
  const { radius, gateways, pools } = config
  const checks: Record<string, Check> = {
    'listening-address': checkListeningAddress(radius.addresses, gateways),
    'machine-networks': checkMachineNetworks(pools, networkInterfaces),
    certificate: certificateCheck(config),
    ...(radius.tls !== undefined && { 'radius-certificate': checkCertificate(radius.tls, systemClock) }),
    records: checkRecords(config.storage),
    redis: () => askRedis(config),
    identity: () => askIdentities(config),
    ports: checkPorts(config, account),
    ...(account !== undefined && { files: checkFileAccess(neededFiles(before), account) }),
    'session-ends': () => findUnendedSessions(config),
  }
  return runChecks(checks, WITHIN_MS)
}

/** Of the HTTP server. A proxy in front has the one that browsers see. */
export function certificateCheck({ http, portal }: Pick<Config, 'http' | 'portal'>): Check {
  const { tls, trustedProxies = [] } = http ?? {}
  if (tls === undefined) return async () => []
  const url = trustedProxies.length === 0 ? portal.publicUrl : undefined
  const name = url === undefined ? undefined : new URL(url).hostname.replace(/^\[|\]$/g, '')
  return checkCertificate({ ...tls, name }, systemClock)
}

async function askRedis(config: Config): Promise<readonly Finding[]> {
  const redis = await openRedis(config, { connectMs: CONNECT_WITHIN_MS, commandMs: READY_WITHIN_MS })
  if (redis === undefined) return []
  try {
    const dependencies = [{ name: 'redis', checkReady: redis.checkReady }]
    const found = await checkDependencies(dependencies, systemClock, READY_WITHIN_MS)()
    return found.map((each) => ({
      ...each,
      remedy: 'start Redis, or correct redis.url and redis.password_file',
    }))
  } finally {
    redis.close()
  }
}

async function askIdentities(config: Config): Promise<readonly Finding[]> {
  let identities: Identities
  try {
    identities = await buildIdentities(config, SYSTEM_RUNTIME)
  } catch (error) {
    return [fault('identity', error)]
  }
  try {
    const faults = await identities.findFaults(READY_WITHIN_MS)
    const remarks = await checkIdentityRemarks(() => identities.findRemarks(READY_WITHIN_MS))()
    return [...faults.map(({ store, cause }) => storeFault(store, cause)), ...remarks]
  } finally {
    await identities.close()
  }
}

function storeFault(store: string, cause: string): Finding {
  const about = `identity ${store}`
  const prefix = `${about}: `
  return fault(
    about,
    cause.startsWith(prefix) ? cause.slice(prefix.length) : cause,
    `bring it back, or correct identity.${store}; with required: false the broker starts without it`,
  )
}

function neededFiles({ config, file, files }: BeforeStart): readonly NeededFile[] {
  const { storage, log } = config
  const named = files
    .filter((each) => each.file !== storage.keyFile)
    .map((each): NeededFile => ({ about: each.path, file: each.file, use: 'read' }))
  const records: readonly NeededFile[] =
    storage.postgres !== undefined
      ? []
      : [
          { about: 'storage.sqlite', file: storage.sqlite, use: 'write' },
          // SQLite makes files beside it.
          { about: 'storage.sqlite', file: dirname(storage.sqlite), use: 'folder' },
        ]
  return [
    { about: 'the configuration', file, use: 'read' },
    ...named,
    { about: 'storage.key_file', file: storage.keyFile, use: 'read', isPrivate: true },
    ...records,
    { about: 'storage.spool', file: storage.spool, use: 'folder' },
    ...(log.file === undefined ? [] : [{ about: 'log.file', file: log.file, use: 'write' as const }]),
  ]
}
