import type { Clock } from '../../domain/clock.ts'
import type { StoreUser, StoreUserSearch } from '../../domain/store-users.ts'
import type { Server } from './failover/server.ts'
import { AllServersUnavailable, type Operation, searchError } from './failover/servers.ts'
import type { GroupSearch } from './mapping/group-search.ts'
import type { Ask, FoundUser, UserSearch } from './mapping/user-search.ts'
import type { Connection, Found } from './wire/connection.ts'
import { ConnectionLost } from './wire/connection-lost.ts'
import { nextPageOf } from './wire/paged-results.ts'
import type { Entry } from './wire/response-reader.ts'
import { Code, resultWords } from './wire/result-codes.ts'

export interface ListingOptions {
  readonly servers: readonly Server[]
  readonly users: UserSearch
  readonly groups: GroupSearch
  /** Asks beside the listing, over connections of their own. */
  readonly asking: (operation: Operation) => Ask
  readonly connectMs: number
  readonly clock: Clock
}

/** So many entries, with all that logins read of them, are well below what one answer may hold. */
const PAGE_SIZE = 200
/** The whole of a page, in milliseconds. */
const PAGE_MS = 30_000
/** More are no directory, but a server that never ends. */
const MAX_PAGES = 50_000
/** Users whose groups are searched for at one time: a directory answers these beside logins, some in one thread. */
const AT_ONCE = 2

/**
 * All users, page by page (RFC 2696). The pages belong to one connection, so a server that is lost midway ends the list.
 * @throws ConnectionLost, AllServersUnavailable
 */
export async function* listUsers(
  options: ListingOptions,
  search: StoreUserSearch,
): AsyncGenerator<readonly StoreUser[]> {
  const { users, clock } = options
  const connection = await openFirst(options)
  try {
    let cookie: Buffer | undefined = Buffer.alloc(0)
    for (let page = 0; cookie !== undefined; page += 1) {
      if (page === MAX_PAGES) throw new AllServersUnavailable('the list of users does not end')
      const expiresAt = clock.monotonic() + PAGE_MS
      const order = { ...users.listing, sizeLimit: 0, timeLimit: PAGE_MS / 1000 }
      const found: Found = await connection.search({ ...order, page: { size: PAGE_SIZE, cookie } }, expiresAt)
      if (found.code !== Code.success) throw listingError(found, order.base)
      yield await usersIn(found.entries, search, options)
      cookie = nextPageOf(found)
    }
  } finally {
    connection.close()
  }
}

/** @returns a connection to the first server that takes one. */
async function openFirst({ servers, connectMs, clock }: ListingOptions): Promise<Connection> {
  const causes: string[] = []
  for (const server of servers) {
    try {
      return await server.openBound(clock.monotonic() + connectMs)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      causes.push(`${server.url}: ${error.message}`)
    }
  }
  throw new AllServersUnavailable(causes.join('; '))
}

async function usersIn(
  entries: readonly Entry[],
  search: StoreUserSearch,
  options: ListingOptions,
): Promise<readonly StoreUser[]> {
  const listed: (StoreUser | undefined)[] = []
  const left = entries.entries()
  const take = async () => {
    for (const [index, entry] of left) listed[index] = await userIn(entry, search, options)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, take))
  return listed.filter((user) => user !== undefined)
}

async function userIn(
  entry: Entry,
  { group, wantsGroups }: StoreUserSearch,
  { users, groups, asking, clock }: ListingOptions,
): Promise<StoreUser | undefined> {
  const ask = asking({ expiresAt: clock.monotonic() + PAGE_MS, isPasswordSent: false })
  const found = await users.describeListed(entry, ask)
  if (found === undefined) return undefined
  if (group === undefined && wantsGroups !== true) return listedUser(found)
  // As a login finds them, groups of groups included.
  const own = await groups.find(found, ask)
  if (own === undefined) return { ...listedUser(found), barred: 'the user has more groups than are read' }
  return group === undefined || own.includes(group) ? { ...listedUser(found), groups: own } : undefined
}

function listedUser({ name, facts, account: { mail } }: FoundUser): StoreUser {
  const barred = (facts.barred ?? facts.expired)?.detail
  return { name, ...(mail !== undefined && { mail }), ...(barred !== undefined && { barred }) }
}

function listingError(found: Found, base: string): Error {
  const { code } = found
  if (code === Code.sizeLimitExceeded || code === Code.adminLimitExceeded)
    return new AllServersUnavailable(
      `it gives bind_dn only a part of the users below ${base} (${resultWords(found)}): raise its limit, in OpenLDAP ` +
        'size.prtotal of limits, in 389 nsslapd-pagedsizelimit and nsslapd-sizelimit',
    )
  if (code === Code.unavailableCriticalExtension)
    return new AllServersUnavailable(`it sends no lists in pages (${resultWords(found)}; RFC 2696)`)
  return searchError(found, base)
}
