import { resolve } from 'node:path'
import { z } from 'zod'
import { foldName } from '../../domain/login-name.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Path, type Report, ValueError } from '../../schema/config-error.ts'
import type { ProviderType, SecretFileKey } from '../../schema/provider-type.ts'
import { name } from '../../schema/scalars.ts'
import { suggestOneOf } from '../closest.ts'
import { isMapping, valueAt } from '../partial-config.ts'
import { readSecretFile } from '../secret-file.ts'
import { type CommonSettings, checkTime, commonKeys, placeOf, type StorePlace } from './identity-place.ts'

/** The schema of the section: `order`, and any number of stores, each under its name in the order. */
export function identitySchema(types: readonly ProviderType[]) {
  const stores = types.map(({ type, schema }) =>
    z.strictObject({
      type: z.literal(type),
      ...(type === LOCAL ? {} : commonKeys),
      ...schema.shape,
    }),
  )
  const [first, ...others] = stores
  if (first === undefined) throw new Error('there is no type of identity store')
  return z
    .object({ order: z.array(name()).min(1).default(['local']) })
    .catchall(z.discriminatedUnion('type', [first, ...others]))
}

type Parsed = z.output<ReturnType<typeof identitySchema>>

/** One identity store: its place in a login, its type, and the settings that the type takes. */
export interface IdentityStoreConfig {
  readonly name: string
  readonly place: StorePlace
  readonly type: string
  readonly providerType: ProviderType
  /** With the secrets of secret files, and with absolute paths. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface IdentityConfig {
  /** Stores in the order in which they are asked; each once. */
  readonly order: readonly IdentityStoreConfig[]
}

const LOCAL = 'local'
const LOCAL_PLACE: StorePlace = { realms: [], onUnavailable: 'stop', required: true }

/** @param gateways names of all gateways; undefined if one of them has a fault. */
export function checkIdentity(
  order: readonly (string | undefined)[],
  gateways: readonly string[] | undefined,
  deadlineMs: number | undefined,
  types: readonly ProviderType[],
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
  const asked = order.filter((store) => store !== undefined)
  for (const store of stores) {
    const place: Path = [...path, store]
    const type = report.at([...place, 'type'])
    if (type !== undefined && (store === LOCAL) !== (type === LOCAL))
      report.fault(place, 'the name local and the type local belong together')
    if (!seen.has(store) && report.given(place) && order.every((each) => each !== undefined))
      report.warn(place, 'is never asked', 'add it to identity.order, or remove it')
    const isLast = !asked.includes(store) || store === asked.at(-1)
    types.find((each) => each.type === type)?.check?.(place, report, isLast)
    if (type !== undefined && store !== LOCAL) checkTime(place, deadlineMs, report)
    checkGateways([...place, 'gateways'], gateways, report)
  }
  checkRealms(asked, report)
}

/** A realm keeps users of the same name in two stores apart, if it belongs to only one of the stores. */
function checkRealms(order: readonly string[], report: Report): void {
  const owners = new Map<string, string>()
  for (const store of order) {
    const realms = report.at(['identity', store, 'realms'])
    if (!Array.isArray(realms)) continue
    for (const [index, each] of realms.entries()) {
      const realm = foldName(String(each))
      const owner = owners.get(realm) ?? store
      owners.set(realm, owner)
      if (owner !== store)
        report.warn(
          ['identity', store, 'realms', index],
          `is also a realm of ${owner}: users of the same name in both stores would share one second factor`,
          'give each store a realm of its own',
        )
    }
  }
}

function checkGateways(path: Path, gateways: readonly string[] | undefined, report: Report): void {
  const named = report.at(path)
  if (!Array.isArray(named) || gateways === undefined) return
  for (const [index, each] of named.entries())
    if (typeof each === 'string' && !gateways.includes(each))
      report.fault([...path, index], `there is no gateway named ${each}`, suggestOneOf(each, gateways))
}

/** A secret from a file, and the place of the key that names the file. */
export interface SecretOfFile {
  readonly path: Path
  readonly secret: Secret
}

/** Reads the secret files that the stores name. */
export async function readIdentitySecrets(
  folder: string,
  types: readonly ProviderType[],
  report: Report,
): Promise<readonly SecretOfFile[]> {
  const secrets: SecretOfFile[] = []
  for (const { path, check } of secretFileKeys(types, report)) {
    const file = report.at(path)
    if (typeof file !== 'string') continue
    const secret = await readSecretFile(resolve(folder, file))
    if (secret instanceof ValueError) {
      report.fault(path, secret.problem, secret.suggestion)
      continue
    }
    check?.(secret, path, report)
    secrets.push({ path, secret })
  }
  return secrets
}

function secretFileKeys(
  types: readonly ProviderType[],
  report: Report,
): (Pick<SecretFileKey, 'check'> & { readonly path: Path })[] {
  const section = report.at(['identity'])
  return Object.keys(isMapping(section) ? section : {}).flatMap((store) => {
    const settings = report.at(['identity', store])
    const type = types.find((each) => each.type === valueAt(settings, ['type']))
    return (type?.secretFiles ?? []).flatMap(({ path, check }) =>
      placesOf(settings, path).map((place) => ({ path: ['identity', store, ...place], check })),
    )
  })
}

/** @returns every place that the keys mean, where `*` stands for each position of a list. */
function placesOf(value: unknown, [step, ...steps]: readonly string[]): readonly Path[] {
  if (step === undefined) return [[]]
  const here = step === '*' && Array.isArray(value) ? [...value.keys()] : [step]
  return here.flatMap((each) => placesOf(valueAt(value, [each]), steps).map((rest) => [each, ...rest]))
}

/** @param folder the configuration file's. */
export function resolveIdentity(
  { order, ...stores }: Parsed,
  folder: string,
  types: readonly ProviderType[],
  secrets: readonly SecretOfFile[],
): IdentityConfig {
  const resolveOne = (store: string): IdentityStoreConfig => {
    const given = stores[store]
    const settings = given === undefined || Array.isArray(given) ? { type: LOCAL } : given
    const { type } = settings
    const providerType = types.find((each) => each.type === type)
    if (providerType === undefined) throw new Error(`there is no type of identity store named ${type}`)
    return {
      name: store,
      place: type === LOCAL ? LOCAL_PLACE : placeOf(settings as CommonSettings),
      type: providerType.type,
      providerType,
      settings: withFiles(store, settings, providerType, folder, secrets),
    }
  }
  return { order: order.map(resolveOne) }
}

/** With absolute paths, and with the secret of `…_file` in its place under the key without `_file`. */
function withFiles(
  store: string,
  settings: Readonly<Record<string, unknown>>,
  { files = [] }: ProviderType,
  folder: string,
  secrets: readonly SecretOfFile[],
): Readonly<Record<string, unknown>> {
  let whole = settings
  for (const path of files) {
    const file = valueAt(settings, path)
    if (typeof file === 'string') whole = withValue(whole, path, resolve(folder, file))
  }
  for (const { path, secret } of secrets) {
    if (path[1] !== store) continue
    const key = String(path.at(-1)).replace(/_file$/, '')
    whole = withValue(whole, [...path.slice(2, -1), key], secret)
  }
  return whole
}

function withValue<T extends object>(whole: T, [step = '', ...steps]: Path, value: unknown): T {
  const inner = valueAt(whole, [step])
  const replaced = steps.length === 0 || !isContainer(inner) ? value : withValue(inner, steps, value)
  return Object.assign(Array.isArray(whole) ? [...whole] : { ...whole }, { [step]: replaced }) as T
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
