import { isLocale } from '../domain/locale.ts'
import { canonicalAddress } from '../domain/network.ts'
import type { StaticAttributes } from '../domain/person.ts'
import { digitsOf } from '../domain/prefix-pool.ts'
import type { LocalUser } from '../domain/user.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import type { UserRow } from './schema.ts'

/** Addresses are kept in their one spelling: two spellings of one address must meet in the unique index. */
export function addressesAndAttributes(
  own: StaticAttributes,
): Pick<UserRow, 'ipv4' | 'ipv6' | 'ipv6_digits' | 'attributes'> {
  const { ipv4, ipv6, ...rest } = own
  return {
    ipv4: ipv4 === undefined ? null : canonicalAddress(ipv4),
    ipv6: ipv6 === undefined ? null : canonicalAddress(ipv6),
    ipv6_digits: (ipv6 !== undefined && digitsOf(ipv6)) || null,
    attributes: JSON.stringify(rest),
  }
}

/** @param rows one for each group of each user, the groups of a user together and in order. */
export function usersOf(rows: readonly (UserRow & { readonly group_name: string | null })[]): LocalUser[] {
  const users = new Map<string, { readonly row: UserRow; readonly groups: string[] }>()
  for (const row of rows) {
    const user = users.get(row.name) ?? { row, groups: [] }
    if (row.group_name !== null) user.groups.push(row.group_name)
    users.set(row.name, user)
  }
  return [...users.values()].map(({ row, groups }) => userOf(row, groups))
}

function userOf(row: UserRow, groups: readonly string[]): LocalUser {
  const stored: Omit<StaticAttributes, 'ipv4' | 'ipv6'> = JSON.parse(row.attributes)
  return {
    name: row.name,
    enabled: row.enabled !== 0,
    groups,
    attributes: { ...stored, ...nullsToUndefined({ ipv4: row.ipv4, ipv6: row.ipv6 }) },
    createdAt: row.created_at,
    ...(Number(row.revision) > 0 && { revision: Number(row.revision) }),
    ...nullsToUndefined({
      passwordHash: row.password_hash,
      expiresAt: row.expires_at,
      mail: row.mail,
      language: isLocale(row.language) ? row.language : null,
    }),
  }
}
