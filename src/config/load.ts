import { isUtf8 } from 'node:buffer'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Secret } from '../domain/secret.ts'
import { type ConfigError, ValueError } from '../schema/config-error.ts'
import { crossCheck } from './cross-checks.ts'
import { Diagnostics } from './diagnostics.ts'
import { type LoadRules, withDictionary } from './load-rules.ts'
import { type NamedFile, namedFiles } from './named-files.ts'
import { isMapping, parsePartially } from './partial-config.ts'
import { type Config, type ConfigInput, configSchema } from './schema.ts'
import { knownKeys, schemaFaults } from './schema-faults.ts'
import { resolveAccounting } from './sections/accounting.ts'
import { resolveAudit } from './sections/audit.ts'
import { type AuditFiles, readAuditFiles } from './sections/audit-files.ts'
import { readDictionaries } from './sections/dictionaries.ts'
import { checkSecretsInOpenFile, readGatewaySecrets, resolveGateways } from './sections/gateways.ts'
import { resolveHttp } from './sections/http.ts'
import { readIdentitySecrets, resolveIdentity } from './sections/identity.ts'
import { resolveLockout } from './sections/lockout.ts'
import { resolveLog } from './sections/log.ts'
import { type MailFiles, readMailFiles, resolveMail } from './sections/mail.ts'
import { resolvePolicies } from './sections/policies.ts'
import { resolvePools } from './sections/pools.ts'
import { resolvePortal } from './sections/portal.ts'
import { readPostgresFiles } from './sections/postgres.ts'
import { resolveRadius } from './sections/radius.ts'
import { readRedisFiles, resolveRedis } from './sections/redis.ts'
import { resolveSecondFactor } from './sections/second-factor.ts'
import { readSingleSignOnFiles, type SingleSignOnFiles } from './sections/single-sign-on.ts'
import { resolveStorage } from './sections/storage.ts'
import { FileError, readSmallFile } from './small-file.ts'
import { readYaml } from './yaml-file.ts'

export type { ConfigError } from '../schema/config-error.ts'
export type { LoadRules } from './load-rules.ts'

export type Loaded =
  | {
      readonly config: Config
      readonly source: ConfigSource
      readonly files: readonly NamedFile[]
      readonly warnings: readonly ConfigError[]
    }
  | { readonly faults: readonly ConfigError[]; readonly warnings: readonly ConfigError[] }

const MAX_FILE_OCTETS = 1024 * 1024
const SHIPPED_FILE = fileURLToPath(new URL('../../config/broker.yaml', import.meta.url))
const READABLE_BY_ALL = 0o004

/** A configuration file as it was read. */
export interface ConfigSource {
  /** It may hold secrets. */
  readonly text: Secret
  /** Whether every user of the machine may read it. */
  readonly isOpenToAll: boolean
}

/**
 * Reads a configuration file and the secret files that it names; changes nothing. Relative paths start from the file's
 * folder.
 * @param env tells whether the name of a missing file came from OCBROKER_CONFIG.
 * @param given what the configuration has to know of other parts.
 * @param known the file's text, if it has been read already.
 * @returns the configuration, or all errors in the order of their lines.
 */
export async function loadConfig(
  file: string,
  env: NodeJS.ProcessEnv,
  given: LoadRules,
  known?: ConfigSource,
): Promise<Loaded> {
  const path = resolve(file)
  const source = known ?? (await readSource(path, env.OCBROKER_CONFIG === file))
  if (source instanceof ValueError) return { faults: [{ path: '', ...source }], warnings: [] }
  const { providerTypes } = given
  const schema = configSchema(providerTypes)
  const yaml = readYaml(source.text.reveal())
  const raw = withoutEmptySections(yaml.content?.value, knownKeys(schema))
  const diagnostics = new Diagnostics(yaml, raw)
  if (yaml.content === undefined) return diagnostics.all()
  if (!isMapping(raw)) {
    diagnostics.fault([], 'the file must hold sections such as "gateways:"')
    return diagnostics.all()
  }
  const { value, partial = {}, issues } = parsePartially(schema, raw)
  const { faults, misspelt } = schemaFaults(schema, raw, issues)
  for (const fault of faults) diagnostics.valueOf(fault.path, fault.error)
  diagnostics.expect(misspelt)

  const folder = dirname(path)
  const dictionary = given.newDictionary()
  await readDictionaries(partial.radius?.dictionaries ?? [], folder, dictionary, diagnostics)
  const rules = withDictionary(given, dictionary)
  crossCheck(partial, folder, rules, diagnostics)
  if (source.isOpenToAll) checkSecretsInOpenFile(partial.gateways ?? [], path, diagnostics)
  const files = {
    gateways: await readGatewaySecrets(partial.gateways ?? [], folder, diagnostics),
    identity: await readIdentitySecrets(folder, providerTypes, diagnostics),
    postgres: await readPostgresFiles(partial.storage?.postgres, folder, diagnostics),
    redis: await readRedisFiles(partial.redis, folder, diagnostics),
    audit: await readAuditFiles(partial.audit, folder, diagnostics),
    mail: await readMailFiles(partial.mail, folder, diagnostics),
    singleSignOn: await readSingleSignOnFiles(partial.portal?.single_sign_on, folder, diagnostics),
  }
  if (value === undefined || diagnostics.haveFaults) return diagnostics.all()
  return {
    config: resolveConfig(value, folder, rules, files),
    source,
    files: namedFiles(raw, folder),
    warnings: diagnostics.all().warnings,
  }
}

/** What the files hold that the sections name. */
interface Files {
  readonly gateways: Awaited<ReturnType<typeof readGatewaySecrets>>
  readonly identity: Awaited<ReturnType<typeof readIdentitySecrets>>
  readonly postgres: Awaited<ReturnType<typeof readPostgresFiles>>
  readonly redis: Awaited<ReturnType<typeof readRedisFiles>>
  readonly audit: AuditFiles
  readonly mail: MailFiles
  readonly singleSignOn: SingleSignOnFiles
}

function resolveConfig(parsed: ConfigInput, folder: string, rules: LoadRules, files: Files): Config {
  const radius = resolveRadius(parsed.radius, folder)
  const pools = resolvePools(parsed.pools)
  return {
    radius,
    gateways: resolveGateways(parsed.gateways, files.gateways, radius.onOutage),
    identity: resolveIdentity(parsed.identity, folder, rules.providerTypes, files.identity),
    secondFactor: resolveSecondFactor(parsed.second_factor, parsed.accounting.time_zone),
    passwords: parsed.passwords,
    limits: parsed.limits,
    lockout: resolveLockout(parsed.lockout),
    accounting: resolveAccounting(parsed.accounting),
    pools,
    policies: resolvePolicies(parsed.policies, pools, rules),
    storage: resolveStorage(parsed.storage, files.postgres, folder),
    redis: resolveRedis(parsed.redis, files.redis),
    http: resolveHttp(parsed.http, folder),
    portal: resolvePortal(parsed.portal, files.singleSignOn),
    mail: resolveMail(parsed.mail, files.mail, folder),
    audit: resolveAudit(parsed.audit, files.audit),
    log: resolveLog(parsed.log, folder),
  }
}

/** A section whose lines are all commented out counts as absent; `policies:` without policies is a mistake. */
function withoutEmptySections(raw: unknown, known: readonly string[]): unknown {
  if (!isMapping(raw)) return raw
  return Object.fromEntries(
    Object.entries(raw).filter(
      ([key, value]) => value !== null || key === 'policies' || !known.includes(key),
    ),
  )
}

async function readSource(path: string, isFromEnvironment: boolean): Promise<ConfigSource | ValueError> {
  const origin = isFromEnvironment ? ' (named by OCBROKER_CONFIG)' : ''
  const file = await readSmallFile(path, MAX_FILE_OCTETS, `${path}${origin}`)
  if (file instanceof ValueError) {
    const isMissing = file instanceof FileError && file.isMissing && path !== SHIPPED_FILE
    return new ValueError(
      file.problem,
      isMissing ? `run: install -D -m 640 ${SHIPPED_FILE} ${path}` : undefined,
    )
  }
  if (!isUtf8(file.content))
    return new ValueError(`${path} is not text in UTF-8`, 'save it with the encoding UTF-8')
  return { text: new Secret(file.content), isOpenToAll: (file.mode & READABLE_BY_ALL) !== 0 }
}
