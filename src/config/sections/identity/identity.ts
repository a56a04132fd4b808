import { resolve } from 'node:path'
import { z } from 'zod'
import type { Secret } from '../../../domain/secret.ts'
import { suggestOneOf } from '../../closest.ts'
import { type Path, pathText, type Report, Slip } from '../../fault.ts'
import { name } from '../../scalars.ts'
import { isMapping } from '../../schema-walk.ts'
import { readSecretFile } from '../../secret-file.ts'
import { judgeLength } from '../shared-secret.ts'
import { checkTime, placeOf, type StorePlace } from './common.ts'
import { checkLdapStore, type LdapStore, ldapStoreShape } from './ldap.ts'
import { type PamStore, pamStoreShape } from './pam.ts'
import { checkRadiusStore, type RadiusStore, radiusStoreShape } from './radius.ts'

/** The broker's own users. */
const localStoreShape = z.strictObject({ type: z.literal('local') })

/** Each kind of identity store is one member, told apart by `type`. */
const storeShape = z.discriminatedUnion('type', [
  localStoreShape,
  ldapStoreShape,
  pamStoreShape,
  radiusStoreShape,
])

/** `order` beside any number of stores, each under the name that the order calls it by. */
export const identityShape = z
  .object({ order: z.array(name()).min(1).default(['local']) })
  .catchall(storeShape)

type Parsed = z.output<typeof identityShape>

/** One identity store: where it stands in a login, and the settings of its kind. */
export type IdentityStoreConfig = { readonly name: string; readonly place: StorePlace } & (
  | { readonly type: 'local' }
  | { readonly type: 'ldap'; readonly settings: LdapStore; readonly bindPassword?: Secret }
  | { readonly type: 'pam'; readonly settings: PamStore }
  | {
      readonly type: 'radius'
      readonly settings: RadiusStore
      readonly secrets: readonly (Secret | undefined)[]
    }
)

export interface IdentityConfig {
  /** Stores in the order in which they are asked; each once. */
  readonly order: readonly IdentityStoreConfig[]
}

const LOCAL = 'local'
const LOCAL_PLACE: StorePlace = { realms: [], onUnavailable: 'stop', required: true }

/** @param gateways names of all gateways; undefined where a fault hides one of them. */
export function checkIdentity(
  order: readonly (string | undefined)[],
  gateways: readonly string[] | undefined,
  deadlineMs: number | undefined,
  report: Report,
): void {
  const path: Path = ['identity']
  const section = report.at(path)
  const named = isMapping(section) ? Object.keys(section).filter((key) => key !== 'order') : []
  const stores = [...new Set([LOCAL, ...named])]
  const seen = new Set<string>()
  for (const [index, store] of order.entries()) {
    if (store === undefined) continue
    if (!stores.includes(store))
      report.fault(
        [...path, 'order', index],
        `there is no identity store named ${store}`,
        suggestOneOf(store, stores),
      )
    else if (seen.has(store)) report.fault([...path, 'order', index], `${store} is asked twice`, 'keep one')
    seen.add(store)
  }
  for (const store of stores) {
    const place: Path = [...path, store]
    const type = report.at([...place, 'type'])
    if (type !== undefined && (store === LOCAL) !== (type === LOCAL))
      report.fault(place, 'the name local and the type local belong together')
    if (!seen.has(store) && report.given(place) && order.every((each) => each !== undefined))
      report.warn(place, 'is never asked', 'add it to identity.order, or remove it')
    if (type === 'ldap') checkLdapStore(place, report)
    if (type === 'radius') checkRadiusStore(place, report)
    if (type !== undefined && store !== LOCAL) checkTime(place, deadlineMs, report)
    checkGateways([...place, 'gateways'], gateways, report)
  }
  const asked = order.filter((store) => store !== undefined)
  checkRealms(asked, report)
  checkLastWords(asked, report)
}

/** A realm keeps namesakes of two stores apart, where it belongs to one of them. */
function checkRealms(order: readonly string[], report: Report): void {
  const owners = new Map<string, string>()
  for (const store of order) {
    const realms = report.at(['identity', store, 'realms'])
    if (!Array.isArray(realms)) continue
    for (const [index, each] of realms.entries()) {
      const realm = String(each).normalize('NFKC').toLowerCase()
      const owner = owners.get(realm) ?? store
      owners.set(realm, owner)
      if (owner !== store)
        report.warn(
          ['identity', store, 'realms', index],
          `is a realm of ${owner}, too: whoever of either store is called bob has one second factor`,
          'give each store a realm of its own',
        )
    }
  }
}

/** A store that cannot say that it does not know a name says no, and whatever stands behind it is not asked. */
function checkLastWords(order: readonly string[], report: Report): void {
  for (const store of order.slice(0, -1)) {
    const path: Path = ['identity', store]
    if (report.given([...path, 'gateways'])) continue
    const isSilent = report.at([...path, 'type']) === 'pam' && report.at([...path, 'unknown']) === 'never'
    if (isSilent)
      report.warn(
        [...path, 'unknown'],
        'refuses whomever PAM does not know: the stores behind it in identity.order are asked for nobody without a realm',
        'put it last, or write when_absent_from_passwd',
      )
  }
}

function checkGateways(path: Path, gateways: readonly string[] | undefined, report: Report): void {
  const named = report.at(path)
  if (!Array.isArray(named) || gateways === undefined) return
  for (const [index, each] of named.entries())
    if (typeof each === 'string' && !gateways.includes(each))
      report.fault([...path, index], `there is no gateway named ${each}`, suggestOneOf(each, gateways))
}

/** Reads the secret files that the stores name. @returns the secrets by the place of the key that names the file. */
export async function readIdentitySecrets(
  folder: string,
  report: Report,
): Promise<ReadonlyMap<string, Secret>> {
  const secrets = new Map<string, Secret>()
  for (const path of secretFilePaths(report.at(['identity']))) {
    const file = report.at(path)
    if (typeof file !== 'string') continue
    const found = await readSecretFile(resolve(folder, file))
    if (found instanceof Slip) {
      report.fault(path, found.problem, found.suggestion)
      continue
    }
    if (path.includes('servers')) judgeLength(found, path, report)
    secrets.set(pathText(path), found)
  }
  return secrets
}

function secretFilePaths(section: unknown): Path[] {
  if (!isMapping(section)) return []
  return Object.entries(section).flatMap(([store, settings]): Path[] => {
    if (!isMapping(settings)) return []
    const servers = Array.isArray(settings.servers) ? [...settings.servers.keys()] : []
    return [
      ['identity', store, 'bind_password_file'],
      ...servers.map((index) => ['identity', store, 'servers', index, 'secret_file']),
    ]
  })
}

/** @param folder the configuration file's. @param secrets those of files, by the place of the key that names the file. */
export function resolveIdentity(
  { order, ...stores }: Parsed,
  folder: string,
  secrets: ReadonlyMap<string, Secret>,
): IdentityConfig {
  return { order: order.map((store) => resolveStore(store, stores[store], folder, secrets)) }
}

function resolveStore(
  store: string,
  settings: Parsed[string] | undefined,
  folder: string,
  secrets: ReadonlyMap<string, Secret>,
): IdentityStoreConfig {
  const secretAt = (...path: Path) => secrets.get(pathText(['identity', store, ...path]))
  if (settings === undefined || Array.isArray(settings) || settings.type === 'local')
    return { name: store, type: 'local', place: LOCAL_PLACE }
  const place = placeOf(settings)
  switch (settings.type) {
    case 'ldap': {
      const bindPassword = settings.bind_password ?? secretAt('bind_password_file')
      const tls = settings.tls === undefined ? undefined : withFilesIn(folder, settings.tls)
      return { name: store, type: 'ldap', place, settings: { ...settings, tls }, bindPassword }
    }
    case 'pam':
      return { name: store, type: 'pam', place, settings }
    case 'radius': {
      const each = settings.servers.map(
        ({ secret }, index) => secret ?? secretAt('servers', index, 'secret_file'),
      )
      return { name: store, type: 'radius', place, settings, secrets: each }
    }
  }
}

function withFilesIn(folder: string, tls: NonNullable<LdapStore['tls']>): NonNullable<LdapStore['tls']> {
  const absolute = (file: string | undefined) => (file === undefined ? undefined : resolve(folder, file))
  return {
    ...tls,
    ca_file: absolute(tls.ca_file),
    cert_file: absolute(tls.cert_file),
    key_file: absolute(tls.key_file),
  }
}
