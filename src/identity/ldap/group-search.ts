import { type FilterMaker, filterMaker } from './filter-objects.ts'
import { parseFilter } from './filter-template.ts'
import { GROUP_PLACEHOLDERS } from './group-placeholders.ts'
import type { GroupSource } from './options.ts'

/** A search that finds the groups of a user. */
export interface GroupSearch {
  readonly base: string
  readonly scope: 'one' | 'sub'
  readonly filter: FilterMaker
}

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

/** The filter that a source searches with, as text. */
function groupFilter(source: Searched): string {
  return source.kind === 'members' && source.filter !== undefined ? source.filter : FILTERS[source.kind]
}

export function groupSearches(sources: readonly GroupSource[]): readonly GroupSearch[] {
  return sources
    .filter((source) => source.kind !== 'memberOf')
    .map((source) => ({
      base: source.base,
      scope: source.scope ?? 'sub',
      filter: filterMaker(parseFilter(groupFilter(source), GROUP_PLACEHOLDERS)),
    }))
}
