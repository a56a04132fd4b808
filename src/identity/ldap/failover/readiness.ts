import { STATE_ATTRIBUTES } from '../mapping/account-states.ts'
import { POLICY_ATTRIBUTES } from '../mapping/active-directory.ts'
import type { DirectorySettings } from '../settings.ts'
import type { Connection } from '../wire/connection.ts'
import { ConnectionLost } from '../wire/connection-lost.ts'
import { PresenceFilter, type SearchOrder } from '../wire/requests.ts'
import { Code, resultWords } from '../wire/result-codes.ts'
import type { Server } from './server.ts'

export interface Examined {
  readonly server: Server
  /** Why it cannot be used; absent if it is ready. */
  readonly cause?: string
}

const ANYTHING = new PresenceFilter({ attribute: 'objectClass' })
const NO_ATTRIBUTES = ['1.1']

/** Checks whether a server can be asked now: connection, TLS, the broker's own bind, the bases, the schema. */
export async function examine(
  server: Server,
  settings: DirectorySettings,
  attributes: readonly string[],
  expiresAt: number,
): Promise<Examined> {
  try {
    const cause = await server.examine(expiresAt, (connection) =>
      faultOf((order) => connection.search(order, expiresAt), settings, attributes),
    )
    return cause === undefined ? { server } : { server, cause }
  } catch (error) {
    if (error instanceof ConnectionLost) return { server, cause: error.message }
    throw error
  }
}

type Ask = (order: SearchOrder) => ReturnType<Connection['search']>

async function faultOf(
  ask: Ask,
  { users, groups, service }: DirectorySettings,
  attributes: readonly string[],
): Promise<string | undefined> {
  // Only users may search, and no user is here; any answer shows that the server is up.
  if (service === undefined && users.bindTemplate !== undefined) {
    await ask(look('', NO_ATTRIBUTES))
    return undefined
  }
  const bases = [
    users.base,
    ...groups.sources.map((source) => (source.kind === 'memberOf' ? undefined : source.base)),
  ]
  for (const base of new Set(bases.filter((each) => each !== undefined))) {
    const found = await ask(look(base, NO_ATTRIBUTES))
    if (found.code === Code.noSuchObject) return `it has no entry ${base}, or does not show it`
    if (found.code !== Code.success) return `a search of ${base} fails (${resultWords(found)})`
    if (found.entries.length === 0) return `it has no entry ${base}, or does not show it`
  }
  return missingAttribute(ask, attributes)
}

/** Checks, if the server shows its schema, whether it has the attributes that are asked for. */
async function missingAttribute(ask: Ask, attributes: readonly string[]): Promise<string | undefined> {
  const root = await ask(look('', ['subschemaSubentry']))
  const place = root.entries[0]?.attributes.get('subschemasubentry')?.[0]
  if (place === undefined) return undefined
  const schema = await ask(look(place, ['attributeTypes']))
  const known = namesIn(schema.entries[0]?.attributes.get('attributetypes') ?? [])
  if (known.size === 0) return undefined
  const missing = attributes.filter((name) => !OPTIONAL.has(name) && !known.has(withoutOptions(name)))
  return missing.length === 0 ? undefined : `its schema has no attribute ${missing.join(', ')}`
}

/** Attributes that a directory may lack. */
const OPTIONAL: ReadonlySet<string> = new Set([
  ...[...STATE_ATTRIBUTES, ...POLICY_ATTRIBUTES].map((name) => name.toLowerCase()),
  'msds-user-account-control-computed',
  'objectsid',
  'primarygroupid',
])

function look(base: string, attributes: readonly string[]): SearchOrder {
  return { base, scope: 'base', filter: ANYTHING, attributes, sizeLimit: 1, timeLimit: 5 }
}

/** From `( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )` the names and the number (RFC 4512 §4.1.2). */
function namesIn(descriptions: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const description of descriptions) {
    const [, number = '', list = ''] =
      /^\(\s*(\S+)\s+NAME\s+('[^']*'|\([^)]*\))/i.exec(description) ?? /^\(\s*(\S+)/.exec(description) ?? []
    names.add(number)
    for (const [, name = ''] of list.matchAll(/'([^']*)'/g)) names.add(name.toLowerCase())
  }
  return names
}

function withoutOptions(attribute: string): string {
  return attribute.split(';')[0] ?? attribute
}
