import type { Connection } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Job } from './job.ts'
import { PresenceFilter, type SearchOrder } from './ldapjs-coding.ts'
import { Code, resultWords } from './result-codes.ts'
import type { Server } from './server.ts'
import type { DirectorySettings } from './settings.ts'

export interface Examined {
  readonly server: Server
  /** Why it is of no use; absent where it is ready. */
  readonly cause?: string
}

const ANYTHING = new PresenceFilter({ attribute: 'objectClass' })
const NO_ATTRIBUTES = ['1.1']

/** Looks whether a server can be asked now: a connection, TLS, the broker's own bind, the bases, the schema. */
export async function examine(
  server: Server,
  settings: DirectorySettings,
  attributes: readonly string[],
  job: Job,
): Promise<Examined> {
  try {
    const cause = await server.examine(job.expiresAt, (connection) =>
      faultOf((order) => connection.search(order, job, job.expiresAt), settings, attributes),
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
  // Only users may look, and there is none here; an answer of whatever kind shows that the server is there.
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

/** Where the server shows its schema, whether it has the attributes that are asked for. */
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

/** Asked for where they are, missed by nobody where they are not. */
const OPTIONAL: ReadonlySet<string> = new Set([
  'pwdchangedtime',
  'modifytimestamp',
  'msds-user-account-control-computed',
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
