import { AllServersUnavailable, searchError } from '../failover/servers.ts'
import { domainOf } from '../kinds.ts'
import type { GroupSource } from '../provider-type.ts'
import type { DirectorySettings } from '../settings.ts'
import { EqualityFilter, type LdapFilter } from '../wire/requests.ts'
import { Code, oneLine } from '../wire/result-codes.ts'
import { type FilterMaker, filterMaker } from './filter-objects.ts'
import { parseFilter } from './filter-template.ts'
import { type DirectoryGroup, GroupMap } from './group-map.ts'
import type { Ask, FoundUser } from './user-search.ts'

/** What the filter of a search for groups may leave open: the user's typed name, entry, uid and group number. */
export const GROUP_PLACEHOLDERS = ['user', 'dn', 'uid', 'gid'] as const

type Searched = Exclude<GroupSource, { kind: 'memberOf' }>

/** LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS §3.1.1.3.4.4.3): the server itself follows groups of groups. */
const IN_CHAIN = '1.2.840.113556.1.4.1941'

const FILTERS: Readonly<Record<Searched['kind'], string>> = {
  members:
    '(|(&(objectClass=groupOfNames)(member={dn}))(&(objectClass=groupOfUniqueNames)(uniqueMember={dn})))',
  // A user's first group lists its number in the user's entry, not the user in its own (RFC 2307 §5.3).
  posix: '(&(objectClass=posixGroup)(|(memberUid={uid})(gidNumber={gid})))',
  nested: `(&(objectClass=group)(member:${IN_CHAIN}:={dn}))`,
}

interface Search {
  readonly base: string
  readonly scope: 'one' | 'sub'
  readonly filter: FilterMaker
  /** Whether it finds groups of groups. */
  readonly isNested: boolean
}

/** The broker's groups; undefined where the directory has more than may be read. */
export type FoundGroups = readonly string[] | undefined

/** Finds the groups of a user: those that the entry lists, and those that have to be searched for. */
export class GroupSearch {
  readonly #settings: DirectorySettings['groups']
  readonly #searches: readonly Search[]
  readonly #map: GroupMap

  constructor(settings: DirectorySettings['groups']) {
    this.#settings = settings
    this.#map = new GroupMap(settings)
    this.#searches = settings.sources
      .filter((source) => source.kind !== 'memberOf')
      .map((source) => ({
        base: source.base,
        scope: source.scope ?? 'sub',
        filter: filterMaker(parseFilter(filterOf(source), GROUP_PLACEHOLDERS)),
        isNested: source.kind === 'nested',
      }))
  }

  /**
   * All of them or none: with only some of the groups another policy might apply than with all.
   * @throws ConnectionLost, AllServersUnavailable
   */
  async find(user: FoundUser, ask: Ask): Promise<FoundGroups> {
    const { most, sources } = this.#settings
    if (sources.length === 0) return []
    const groups: DirectoryGroup[] = user.memberOf.map((dn) => ({ dn }))
    const primary = user.primaryGroup === undefined ? undefined : await this.#primary(user, ask)
    if (primary !== undefined) groups.push(primary)
    for (const search of this.#searches) {
      const { name, dn, uid = name, gid } = user
      const members = [dn, ...(search.isNested && primary !== undefined ? [primary.dn] : [])]
      for (const member of members) {
        const filter = search.filter({ user: name, dn: member, uid, gid })
        const found = filter && (await this.#search(search, filter, ask))
        if (found === 'too many') return undefined
        groups.push(...(found ?? []))
      }
    }
    return groups.length > most ? undefined : this.#map.toBroker(groups)
  }

  async #search(
    { base, scope }: Pick<Search, 'base' | 'scope'>,
    filter: LdapFilter,
    ask: Ask,
  ): Promise<readonly DirectoryGroup[] | 'too many'> {
    const { nameAttribute, most } = this.#settings
    const found = await ask({ base, scope, filter, attributes: [nameAttribute], sizeLimit: most })
    if (found.code === Code.sizeLimitExceeded) return 'too many'
    if (found.code !== Code.success) throw searchError(found, base)
    return found.entries.map(({ dn, attributes }) => ({
      dn,
      name: attributes.get(nameAttribute.toLowerCase())?.[0],
    }))
  }

  /** A policy may bar its members, so that it must be found. */
  async #primary({ dn, primaryGroup = '' }: FoundUser, ask: Ask): Promise<DirectoryGroup> {
    const filter = new EqualityFilter({ attribute: 'objectSid', raw: Buffer.from(primaryGroup) })
    const found = await this.#search({ base: domainOf(dn), scope: 'sub' }, filter, ask)
    const [group] = found
    if (typeof group === 'object') return group
    throw new AllServersUnavailable(`the primary group of ${oneLine(dn)} is not shown`)
  }
}

function filterOf(source: Searched): string {
  return source.kind === 'members' && source.filter !== undefined ? source.filter : FILTERS[source.kind]
}
