import type { Clock } from '../../../domain/clock.ts'
import type { Log } from '../../../domain/log.ts'
import { foldName } from '../../../domain/login-name.ts'
import type { Account } from '../../../domain/person.ts'
import { searchError } from '../failover/servers.ts'
import type { DirectorySettings } from '../settings.ts'
import type { Found } from '../wire/connection.ts'
import type { LdapFilter, SearchOrder } from '../wire/requests.ts'
import type { Entry } from '../wire/response-reader.ts'
import { Code, oneLine } from '../wire/result-codes.ts'
import { attributesRead, readAccountAttributes } from './account-attributes.ts'
import { STATE_ATTRIBUTES } from './account-states.ts'
import {
  type AccountFacts,
  AD_ATTRIBUTES,
  adFacts,
  POLICY_ATTRIBUTES,
  policyFacts,
  primaryGroupOf,
} from './active-directory.ts'
import { ANYTHING } from './anything.ts'
import { contactIn } from './contact.ts'
import { type FilterMaker, filterMaker } from './filter-objects.ts'
import { type FilterNode, parseFilter } from './filter-template.ts'
import { listingFilter } from './listing-filter.ts'
import { matchersInFilter, matchersInName, matchesName, type NameMatcher, ownName } from './name-matcher.ts'

/** Asks one search of the directory, as the broker or as the user. */
export type Ask = (order: Omit<SearchOrder, 'timeLimit'>) => Promise<Found>

/** A user's entry, and what its account would be; groups that have to be searched for are not in it yet. */
export interface FoundUser {
  readonly name: string
  readonly dn: string
  /** Of posixAccount. */
  readonly uid?: string
  readonly gid?: string
  /** Distinguished names of groups, as the entry lists them. */
  readonly memberOf: readonly string[]
  /** Active Directory's security identifier of the user's first group. */
  readonly primaryGroup?: string
  /** Without groups. */
  readonly account: Account
  readonly facts: AccountFacts
}

export type UserSearchAnswer =
  | { readonly kind: 'found'; readonly user: FoundUser }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'wrong'; readonly detail: string }

export interface UserSearchOptions {
  readonly settings: DirectorySettings
  readonly clock: Clock
  readonly log: Log
}

/** One more than may match, so that a second match shows. */
const USER_SIZE_LIMIT = 2

const UNKNOWN = { kind: 'unknown' } as const

/** Finds the entry of a user and reads what it says of the account. */
export class UserSearch {
  /** The attributes that are asked for, in lower case. */
  readonly attributes: readonly string[]
  readonly #options: UserSearchOptions
  readonly #filter: FilterMaker
  readonly #everybody: LdapFilter
  readonly #matchers: readonly NameMatcher[]
  readonly #memberOf: readonly string[]

  /** @throws TemplateFault */
  constructor(options: UserSearchOptions) {
    const { users, groups } = options.settings
    this.#options = options
    const filter = users.filter === undefined ? undefined : parseFilter(users.filter, ['user'])
    this.#filter = filter === undefined ? () => ANYTHING : filterMaker(filter)
    this.#matchers = [
      ...(filter === undefined ? [] : matchersInFilter(filter)),
      ...(users.bindTemplate === undefined ? [] : matchersInName(users.bindTemplate)),
    ]
    // Without a filter the entry's name is what the template makes of the user's.
    const named: FilterNode[] = this.#matchers.map(({ attribute }) => ({ kind: 'present', attribute }))
    this.#everybody = listingFilter(filter ?? { kind: 'or', parts: named })
    this.#memberOf = groups.sources.flatMap((source) =>
      source.kind === 'memberOf' ? [(source.attribute ?? 'memberOf').toLowerCase()] : [],
    )
    this.attributes = wantedAttributes(options.settings, this.#matchers, this.#memberOf)
  }

  /** @param dn the entry's name, where it is known. @throws ConnectionLost, AllServersUnavailable */
  async find(name: string, dn: string | undefined, ask: Ask): Promise<UserSearchAnswer> {
    const { base = '', scope } = this.#options.settings.users
    const filter = this.#filter({ user: name })
    if (filter === undefined) return UNKNOWN
    const found = await ask({
      base: dn ?? base,
      scope: dn === undefined ? scope : 'base',
      filter,
      attributes: this.attributes,
      sizeLimit: USER_SIZE_LIMIT,
    })
    if (found.references > 0) this.#noteReferral(name)
    // No such entry (RFC 4511 appendix A.2).
    if (found.code === Code.noSuchObject && dn !== undefined) return UNKNOWN
    if (found.code === Code.referral) {
      this.#noteReferral(name)
      return UNKNOWN
    }
    const [entry, second] = found.entries
    if (second !== undefined || (entry !== undefined && found.code === Code.sizeLimitExceeded))
      return { kind: 'wrong', detail: 'more than one entry matches' }
    if (found.code !== Code.success) throw searchError(found, dn ?? base)
    if (entry === undefined || entry.dn === '') return UNKNOWN
    if (matchesName(entry.attributes, this.#matchers, name))
      return { kind: 'found', user: this.#describe(name, entry, await this.#groupsIn(entry, ask)) }
    const { log, settings } = this.#options
    log.debug('ldap.other_spelling', { identity: settings.name, user: name, entry: oneLine(entry.dn) })
    return UNKNOWN
  }

  /** What finds all users, page by page, and those that may be more than users. */
  get listing(): Pick<SearchOrder, 'base' | 'scope' | 'filter' | 'attributes'> {
    const { base, scope, bindTemplate = '' } = this.#options.settings.users
    // The level above the entry that the template names.
    const above = base ?? bindTemplate.slice(bindTemplate.indexOf(',') + 1)
    return { base: above, scope, filter: this.#everybody, attributes: this.attributes }
  }

  /** @returns undefined where the entry is no user's, as it shows no name that a login could carry. */
  async describeListed(entry: Entry, ask: Ask): Promise<FoundUser | undefined> {
    const name = ownName(entry.dn, entry.attributes, this.#matchers)
    if (name === undefined || !matchesName(entry.attributes, this.#matchers, name)) return undefined
    return this.#describe(name, entry, await this.#groupsIn(entry, ask))
  }

  /**
   * The groups that the entry lists, with those that the server left for further questions. One more than a user may have
   * is enough.
   */
  async #groupsIn({ dn, attributes, cut }: Entry, ask: Ask): Promise<readonly string[]> {
    const all: string[] = []
    for (const attribute of this.#memberOf) {
      const plain = attribute.replace(/;range=.*$/, '')
      all.push(...(attributes.get(plain) ?? []))
      for (let next = cut.get(plain); next !== undefined; ) {
        if (all.length > this.#options.settings.groups.most) return all
        const found = await ask({
          ...{ base: dn, scope: 'base', filter: ANYTHING, sizeLimit: 1 },
          attributes: [`${plain};range=${next}-*`],
        })
        const [more] = found.entries
        const values = more?.attributes.get(plain) ?? []
        // A list that changes meanwhile may end early; one that stops without its end may hide a group that bars.
        if (found.code !== Code.success || more === undefined || values.length === 0)
          throw searchError(found, dn)
        all.push(...values)
        next = more.cut.get(plain)
      }
    }
    return all
  }

  #describe(name: string, { dn, attributes }: Entry, memberOf: readonly string[]): FoundUser {
    const { settings, clock, log } = this.#options
    const read = readAccountAttributes(attributes, settings.attributes)
    for (const { attribute, value } of read.faults)
      log.warn('ldap.value_unusable', {
        identity: settings.name,
        entry: oneLine(dn),
        attribute,
        value: oneLine(value),
      })
    const own = ownName(dn, attributes, this.#matchers)
    return {
      name,
      dn,
      uid: attributes.get('uid')?.[0],
      gid: attributes.get('gidnumber')?.[0],
      memberOf,
      primaryGroup: settings.isActiveDirectory ? primaryGroupOf(attributes) : undefined,
      account: {
        name: own === foldName(name) ? undefined : own,
        groups: [],
        attributes: read.attributes,
        ...contactIn(attributes, settings.contact),
      },
      facts: settings.isActiveDirectory
        ? adFacts(attributes, clock.now())
        : policyFacts(attributes, clock.now(), clock.now() - settings.countsForMs, settings.lockedForMs),
    }
  }

  #noteReferral(user: string): void {
    const { log, settings } = this.#options
    log.debug('ldap.referral_ignored', { identity: settings.name, user })
  }
}

function wantedAttributes(
  { attributes, contact, groups, isActiveDirectory, wantsPolicy }: DirectorySettings,
  matchers: readonly NameMatcher[],
  memberOf: readonly string[],
): readonly string[] {
  const isPosix = groups.sources.some((source) => source.kind === 'posix' || source.kind === 'members')
  const wanted = [
    ...matchers.map(({ attribute }) => attribute),
    ...memberOf,
    ...attributesRead(attributes),
    contact.mail,
    contact.language,
    ...(isPosix ? ['uid', 'gidnumber'] : []),
    ...(isActiveDirectory ? AD_ATTRIBUTES : STATE_ATTRIBUTES),
    ...(wantsPolicy && !isActiveDirectory ? POLICY_ATTRIBUTES : []),
  ]
  return [...new Set(wanted.map((name) => name.toLowerCase()))]
}
