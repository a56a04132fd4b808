import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config } from '../config/schema.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { ServingBroker } from '../domain/serving-broker.ts'

/** What brokers on the same records must have in common, as digests: none of them tells a key. */
export function fingerprintOf(
  { policies, pools }: Pick<Config, 'policies' | 'pools'>,
  keys: KeyRing,
): Pick<ServingBroker, 'keys' | 'policies' | 'pools'> {
  const byName = pools.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return { keys: keys.digests(), policies: digestOf(policies), pools: digestOf(byName) }
}

/** How the broker of a configuration calls itself among others: no two have one folder for accounting. */
export function nameOfBroker({ storage }: Pick<Config, 'storage'>): string {
  return `${hostname()}:${storage.spool}`
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, inOrder)).digest('base64url')
}

/** The keys of a mapping have no order. A policy names its pool. */
function inOrder(key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (key === 'pool' && 'name' in value) return value.name
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
