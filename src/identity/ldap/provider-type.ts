import { z } from 'zod'
import { attributeFault } from '../../radius/dictionary.ts'
import { type Path, type Report, ValueError } from '../../schema/config-error.ts'
import type { ProviderType } from '../../schema/provider-type.ts'
import { duration, filePath, readText, scalar, secret, text } from '../../schema/scalars.ts'

const dn = () => text(1024)
const attribute = () => text(128)
const depth = z.enum(['one', 'sub']).optional()

export const KINDS = [
  'active_directory',
  'samba',
  'freeipa',
  '389ds',
  'openldap',
  'lldap',
  'generic',
] as const

/** Where a user's groups are found. */
export type GroupSource = z.output<typeof groupSourceSchema>

const groupSourceSchema = z.discriminatedUnion('kind', [
  // In the user's entry ('memberOf').
  z.strictObject({ kind: z.literal('memberOf'), attribute: attribute().optional() }),
  // Groups that list the user: groupOfNames by `member`, groupOfUniqueNames by `uniqueMember`, or by a filter with
  // `{dn}`, `{user}`, `{uid}` or `{gid}`.
  z.strictObject({ kind: z.literal('members'), base: dn(), scope: depth, filter: text(1024).optional() }),
  // posixGroup: by `memberUid`, and by the user's own `gidNumber`.
  z.strictObject({ kind: z.literal('posix'), base: dn(), scope: depth }),
  // Active Directory: also groups of groups (matching rule 1.2.840.113556.1.4.1941).
  z.strictObject({ kind: z.literal('nested'), base: dn(), scope: depth }),
])

const groupsSchema = z.strictObject({
  // Those of the kind, where it has any.
  sources: z.array(groupSourceSchema).min(1).readonly().optional(),
  // Names or distinguished names of directory groups, and the broker's groups that they stand for.
  map: z.record(z.string(), z.union([text(), z.array(text()).min(1)])).optional(),
  // What happens to a group that is not in the map: it is dropped, or has its own name (without a map).
  unmapped: z.enum(['drop', 'cn']).optional(),
  // The attribute with a group's name.
  name_attribute: attribute().optional(),
})

/** LDAP attributes by the reply attribute that they give. */
export type AttributeNames = z.output<typeof attributesSchema>

const attributesSchema = z.strictObject({
  // An address, or a 32-bit integer, signed or not, as Active Directory has it in msRADIUSFramedIPAddress.
  ipv4: attribute().optional(),
  ipv6: attribute().optional(),
  // Networks; anything after a blank, such as a router and a metric, is ignored.
  routes: attribute().optional(),
  dns: attribute().optional(),
  // By the dictionary's name of the reply attribute.
  reply: z.record(z.string(), attribute()).optional(),
})

const tlsSchema = z.strictObject({
  // TLS on request on `ldap://` addresses (RFC 4511 §4.14).
  start_tls: z.boolean().optional(),
  // PEM; the authorities that are trusted, in place of the usual ones. Read again when it changes.
  ca_file: filePath().optional(),
  cert_file: filePath().optional(),
  key_file: filePath().optional(),
  // The name that the certificate must have, if it is not the address's.
  server_name: text().optional(),
  min_version: z.enum(['TLSv1.2', 'TLSv1.3']).optional(),
})

/** What the configuration says of a directory. Times are milliseconds; `settings.ts` has the defaults. */
export type LdapSettings = z.output<typeof schema>

const schema = z.strictObject({
  // What the directory is; sets names, groups and addresses to what such a directory has.
  kind: z.enum(KINDS).optional(),
  // The preferred one first.
  urls: z.array(ldapUrl()).min(1),
  // The broker's own account; absent if it may search anonymously, or if users read their own entries.
  bind_dn: dn().optional(),
  bind_password: secret().optional(),
  bind_password_file: filePath().optional(),
  // Where users are, and how deep below; needed unless `bind_template` is a distinguished name.
  user_base: dn().optional(),
  scope: z.enum(['base', 'one', 'sub']).optional(),
  // Which entry is a user's, with `{user}` for the name; or attributes of which one holds the name.
  user_filter: text(1024).optional(),
  user_attributes: z.array(attribute()).min(1).optional(),
  // The name to bind with, without a search before: `uid={user},ou=people,dc=example` or `{user}@corp.example`.
  bind_template: text(1024).optional(),
  groups: groupsSchema.optional(),
  attributes: attributesSchema.optional(),
  // Where mails to a user go (`mail`), and in which language (`preferredLanguage`, RFC 2798).
  mail_attribute: attribute().optional(),
  language_attribute: attribute().optional(),
  tls: tlsSchema.optional(),
  active_directory: z
    .strictObject({
      // Suffixes of userPrincipalName: `corp.example` lets `bob` be found as `bob@corp.example`.
      upn_suffixes: z.array(text()).optional(),
    })
    .optional(),
  // Whether users with the right password are told why they may not log in: expired, disabled …
  tell_state: z.boolean().optional(),
  // Keeps the broker from locking accounts in the directory. Always active for Active Directory.
  shield: z
    .strictObject({
      // Wrong passwords at which the directory locks an account; absent where it never does. The last tries before it
      // are kept for known addresses, so there must be two.
      threshold: z.int().min(3).max(1000).optional(),
      // How long the directory counts a wrong password.
      window: duration({ min: '1m', max: '7d' }).optional(),
      // How long it keeps an account locked; 0 is until an administrator unlocks it. Absent: ask it.
      locked_for: duration({ min: '0s', max: '7d' }).optional(),
    })
    .optional(),
  // To each server: for searches, and for users' passwords.
  connections: z
    .strictObject({
      searches: z.int().min(1).max(1024).optional(),
      binds: z.int().min(1).max(1024).optional(),
    })
    .optional(),
})

/** A directory over LDAP; with `active_directory` one of Microsoft's. */
export const ldapType: ProviderType<typeof schema.shape> = {
  type: 'ldap',
  schema,
  files: [
    ['tls', 'ca_file'],
    ['tls', 'cert_file'],
    ['tls', 'key_file'],
  ],
  secretFiles: [{ path: ['bind_password_file'] }],
  check,
  async create(settings, context) {
    const { ldapIdentity } = await import('./provider.ts')
    const provider = ldapIdentity({ ...settings, ...context, replyFault: attributeFault })
    return { provider, close: () => provider.close() }
  },
}

/** A key, or a combination of keys, that cannot be used as it is. */
export interface KeyFault {
  /** The key, such as `user_base`; empty for the store. */
  readonly path: readonly string[]
  readonly problem: string
  readonly remedy: string
}

/** @returns what is wrong with the combination of keys. @param given whether a key has a value. */
export function combinationFaults(given: (...path: readonly string[]) => boolean): readonly KeyFault[] {
  const faults: KeyFault[] = []
  const fault = (path: readonly string[], problem: string, remedy: string) =>
    void faults.push({ path, problem, remedy })
  const hasPassword = given('bind_password') || given('bind_password_file')
  if (given('bind_dn') && !hasPassword) fault(['bind_dn'], 'has no password', 'add bind_password_file')
  if (hasPassword && !given('bind_dn')) fault([], 'has a bind password and no bind_dn', 'add bind_dn')
  if (!given('user_base') && !given('bind_template'))
    fault([], 'says not where users are', 'add user_base, or bind_template')
  if (given('user_filter') && given('user_attributes'))
    fault(['user_filter'], 'and user_attributes say the same', 'keep one of the two')
  if (given('groups') && !given('groups', 'sources') && !given('kind'))
    fault(['groups'], 'says not where groups are', 'add sources, or kind')
  if (given('tls', 'cert_file') !== given('tls', 'key_file'))
    fault(['tls'], 'has one of cert_file and key_file', 'a client certificate needs both')
  return faults
}

function check(path: Path, report: Report): void {
  const given = (...key: readonly string[]) => report.given([...path, ...key])
  // The password of a file takes the place of the other one later, so this is asked of the file alone.
  if (given('bind_password') && given('bind_password_file'))
    report.fault(path, 'has bind_password and bind_password_file', 'keep one of the two')
  for (const { path: key, problem, remedy } of combinationFaults(given))
    report.fault([...path, ...key], problem, remedy)
  const filter = report.at([...path, 'user_filter'])
  if (typeof filter === 'string' && !filter.includes('{user}'))
    report.fault(
      [...path, 'user_filter'],
      'finds the same entry for every name',
      'write {user} where the name goes',
    )
  if (given('shield', 'threshold') && report.at(['lockout', 'tell_user']) !== false)
    report.warn(
      [...path, 'shield'],
      'lets an attacker see which names the directory has: others are told that they are locked',
      'write lockout: { tell_user: false }',
    )
  const urls = report.at([...path, 'urls'])
  const isClear = Array.isArray(urls) && urls.some((url) => /^ldap:/i.test(String(url)))
  if (isClear && report.at([...path, 'tls', 'start_tls']) !== true)
    report.warn(
      [...path, 'urls'],
      'ldap:// sends passwords in clear',
      'write ldaps://, or tls: { start_tls: true }',
    )
}

function ldapUrl() {
  return scalar((raw): string | ValueError => {
    const value = readText(raw)
    if (value instanceof ValueError) return value
    const url = URL.canParse(value) ? new URL(value) : undefined
    const isWhole = url !== undefined && /^ldap[si]?:$/.test(url.protocol) && url.hostname !== ''
    if (!isWhole)
      return new ValueError(
        'is no LDAP address',
        'write ldaps://dc1.example.org, or ldapi://%2Frun%2Fslapd%2Fldapi',
      )
    return url.pathname.length > 1 || url.search !== '' || url.username !== ''
      ? new ValueError('holds more than a server and a port', `write ${url.protocol}//${url.host}`)
      : `${url.protocol}//${url.host}`
  })
}
