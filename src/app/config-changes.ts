import type { ConfigSource } from '../config/load.ts'
import { isMapping } from '../config/partial-config.ts'
import type { Config } from '../config/schema.ts'
import { readYaml } from '../config/yaml-file.ts'
import { Secret } from '../domain/secret.ts'

/** Whether two parts of a configuration are the same, secrets included. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Secret && other instanceof Secret) return one.equals(other)
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other)
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].every((key) => isSame(Reflect.get(one, key), Reflect.get(other, key)))
}

/** A configuration with the text that it was read from. */
export interface ReadConfig {
  readonly config: Config
  readonly source: ConfigSource
}

/** The keys whose values differ, and the sections of which only files that they name differ. */
export function changedKeys(before: ReadConfig, after: ReadConfig): readonly string[] {
  const [old, next] = [contentOf(before), contentOf(after)]
  const changed = keysOf(old, next).flatMap((key) => {
    const [one, other] = [old[key], next[key]]
    if (isSame(one, other)) return []
    if (!isMapping(one) || !isMapping(other)) return [key]
    return keysOf(one, other).flatMap((inner) =>
      isSame(one[inner], other[inner]) ? [] : [`${key}.${inner}`],
    )
  })
  const files = keysOf(before.config, after.config).flatMap((section) => {
    const key = section.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const isNamed = changed.some((each) => each === key || each.startsWith(`${key}.`))
    const isEqual = isSame(Reflect.get(before.config, section), Reflect.get(after.config, section))
    return isNamed || isEqual ? [] : [`${key} (files or defaults)`]
  })
  return [...changed, ...files]
}

/** The keys that differ and that a process takes only at its start. */
export function keysForRestart(before: Config, after: Config): readonly string[] {
  const [old, next] = [fixedKeys(before), fixedKeys(after)]
  const changed = Object.keys(old).filter((key) => !isSame(old[key], next[key]))
  return [...changed, ...httpForRestart(before, after)]
}

function fixedKeys({ radius, storage, redis, log }: Config): Readonly<Record<string, unknown>> {
  return {
    'radius.address': radius.addresses,
    'radius.auth_port': radius.authPort,
    'radius.acct_port': radius.acctPort,
    'radius.workers': radius.workers,
    'radius.tls.address': radius.tls?.addresses,
    'radius.tls.port': radius.tls?.port,
    storage,
    redis,
    log,
  }
}

/** One port cannot be opened a second time beside itself. */
function httpForRestart({ http: before }: Config, { http: after }: Config): readonly string[] {
  if (before === undefined || after === undefined || before.port !== after.port || after.port === 0) return []
  if (before.address !== after.address) return ['http.address (with the same http.port)']
  const hasSameTls = (before.tls === undefined) === (after.tls === undefined)
  return hasSameTls ? [] : ['http.tls (with the same http.port)']
}

function contentOf({ source }: ReadConfig): Readonly<Record<string, unknown>> {
  const content = readYaml(source.text.reveal()).content?.value
  return isMapping(content) ? content : {}
}

function keysOf(one: object, other: object): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
}
