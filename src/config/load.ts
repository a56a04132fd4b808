import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { Secret } from '../domain/secret.ts'
import { crossCheck } from './cross-checks.ts'
import { type Fault, Slip } from './fault.ts'
import { Findings } from './findings.ts'
import { isMapping, knownKeys, soundParts } from './schema-walk.ts'
import { checkSecretsInOpenFile, readGatewaySecrets, resolveGateways } from './sections/gateways.ts'
import { resolveHttp } from './sections/http.ts'
import { readIdentitySecrets, resolveIdentity } from './sections/identity/identity.ts'
import { resolveLockout } from './sections/lockout.ts'
import { resolveLog } from './sections/log.ts'
import { resolvePolicies } from './sections/policies.ts'
import { resolvePools } from './sections/pools.ts'
import { resolvePortal } from './sections/portal.ts'
import { type PostgresFiles, readPostgresFiles } from './sections/postgres.ts'
import { resolveRadius } from './sections/radius.ts'
import { type RedisFiles, readRedisFiles, resolveRedis } from './sections/redis.ts'
import type { ReplyRules } from './sections/reply.ts'
import { resolveSecondFactor } from './sections/second-factor.ts'
import { resolveStorage } from './sections/storage.ts'
import { type Config, shape } from './shape.ts'
import { shapeFaults } from './shape-faults.ts'
import { systemCode, systemWords } from './system-words.ts'
import { readYaml } from './yaml-file.ts'

export type { Fault } from './fault.ts'
export type { ReplyRules } from './sections/reply.ts'

export type Loaded =
  | { readonly config: Config; readonly source: ConfigSource; readonly warnings: readonly Fault[] }
  | { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] }

const LARGEST_FILE = 1024 * 1024
const SHIPPED_FILE = fileURLToPath(new URL('../../config/broker.yaml', import.meta.url))
const READABLE_BY_ALL = 0o004

/** A configuration file as it was read. */
export interface ConfigSource {
  /** Secrets may stand in it. */
  readonly text: Secret
  /** Whether every user of the machine may read it. */
  readonly isOpenToAll: boolean
}

/**
 * Reads a configuration file and the secret files that it names; changes nothing, so it can be done again at any time.
 * Relative paths in the file start from the folder that the file is in.
 * @param env only to tell where the name of a missing file came from.
 * @param known the file's text, where it has been read already.
 * @returns the configuration, or every fault that it has, in the order of its lines.
 */
export async function loadConfig(
  file: string,
  env: NodeJS.ProcessEnv,
  rules: ReplyRules,
  known?: ConfigSource,
): Promise<Loaded> {
  const path = resolve(file)
  const source = known ?? (await readSource(path, env.OCBROKER_CONFIG === file))
  if (source instanceof Slip) {
    const { problem, suggestion } = source
    return { faults: [{ path: '', problem, ...(suggestion !== undefined && { suggestion }) }], warnings: [] }
  }
  const yaml = readYaml(source.text.reveal())
  const raw = withoutEmptySections(yaml.content?.value)
  const findings = new Findings(yaml, raw)
  if (yaml.content === undefined) return findings.all()
  if (!isMapping(raw)) {
    findings.fault([], 'the file must hold sections such as "gateways:"')
    return findings.all()
  }
  const { faults, misspelt } = shapeFaults(shape, raw)
  for (const { path: place, problem, suggestion } of faults) findings.fault(place, problem, suggestion)
  findings.expect(misspelt)

  const folder = dirname(path)
  const draft = soundParts(shape, raw) ?? {}
  crossCheck(draft, folder, rules, findings)
  const secrets = await readGatewaySecrets(draft.gateways ?? [], folder, findings)
  const identitySecrets = await readIdentitySecrets(folder, findings)
  const postgresFiles = await readPostgresFiles(draft.storage?.postgres, folder, findings)
  const redisFiles = draft.redis === undefined ? {} : await readRedisFiles(draft.redis, folder, findings)
  if (source.isOpenToAll) checkSecretsInOpenFile(draft.gateways ?? [], path, findings)

  const parsed = shape.safeParse(raw)
  if (!parsed.success || findings.haveFaults) return findings.all()
  return {
    config: resolved(parsed.data, folder, secrets, identitySecrets, postgresFiles, redisFiles),
    source,
    warnings: findings.all().warnings,
  }
}

function resolved(
  parsed: z.output<typeof shape>,
  folder: string,
  secrets: ReadonlyMap<number, Secret>,
  identitySecrets: ReadonlyMap<string, Secret>,
  postgresFiles: PostgresFiles,
  redisFiles: RedisFiles,
): Config {
  const radius = resolveRadius(parsed.radius)
  const pools = resolvePools(parsed.pools)
  return {
    radius,
    gateways: resolveGateways(parsed.gateways, secrets, radius.onOutage),
    identity: resolveIdentity(parsed.identity, folder, identitySecrets),
    secondFactor: resolveSecondFactor(parsed.second_factor),
    passwords: parsed.passwords,
    limits: parsed.limits,
    lockout: resolveLockout(parsed.lockout),
    pools,
    policies: resolvePolicies(parsed.policies, pools),
    storage: resolveStorage(parsed.storage, postgresFiles, folder),
    redis: resolveRedis(parsed.redis, redisFiles),
    http: resolveHttp(parsed.http, folder),
    portal: resolvePortal(parsed.portal),
    log: resolveLog(parsed.log, folder),
  }
}

/** A section of which every line is commented out is one that is not there. A list that is empty so is a slip. */
function withoutEmptySections(raw: unknown): unknown {
  if (!isMapping(raw)) return raw
  return Object.fromEntries(
    Object.entries(raw).filter(
      ([key, value]) => value !== null || key === 'policies' || !knownKeys(shape).includes(key),
    ),
  )
}

async function readSource(path: string, fromEnvironment: boolean): Promise<ConfigSource | Slip> {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (error) {
    const origin = fromEnvironment ? ' (named by OCBROKER_CONFIG)' : ''
    const isMissing = systemCode(error) === 'ENOENT' && path !== SHIPPED_FILE
    return new Slip(
      `${path}${origin} cannot be read: ${systemWords(error)}`,
      isMissing ? `run: install -D -m 640 ${SHIPPED_FILE} ${path}` : undefined,
    )
  }
  try {
    const facts = await file.stat()
    if (!facts.isFile()) return new Slip(`${path} is not a file`)
    if (facts.size > LARGEST_FILE) return new Slip(`${path} is larger than ${LARGEST_FILE} octets`)
    const content = await file.readFile()
    if (!isUtf8(content)) return new Slip(`${path} is not text in UTF-8`, 'save it with the encoding UTF-8')
    return { text: new Secret(content.toString('utf8')), isOpenToAll: (facts.mode & READABLE_BY_ALL) !== 0 }
  } catch (error) {
    return new Slip(`${path} cannot be read: ${systemWords(error)}`)
  } finally {
    await file.close()
  }
}
