import { z } from 'zod'
import { type Path, type Report, Slip } from '../../fault.ts'
import { duration, filePath, readText, scalar, secret, text } from '../../scalars.ts'
import { commonKeys } from './common.ts'

const dn = () => text(1024)
const attribute = () => text(128)
const depth = z.enum(['one', 'sub']).optional()

const groupSourceShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('memberOf'), attribute: attribute().optional() }),
  z.strictObject({ kind: z.literal('members'), base: dn(), scope: depth, filter: text(1024).optional() }),
  z.strictObject({ kind: z.literal('posix'), base: dn(), scope: depth }),
  z.strictObject({ kind: z.literal('nested'), base: dn(), scope: depth }),
])

const groupsShape = z.strictObject({
  sources: z.array(groupSourceShape).min(1),
  map: z.record(z.string(), z.union([text(), z.array(text()).min(1)])).optional(),
  unmapped: z.enum(['drop', 'cn']).optional(),
  name_attribute: attribute().optional(),
})

const attributesShape = z.strictObject({
  ipv4: attribute().optional(),
  ipv6: attribute().optional(),
  routes: attribute().optional(),
  dns: attribute().optional(),
  reply: z.record(z.string(), attribute()).optional(),
})

const tlsShape = z.strictObject({
  start_tls: z.boolean().default(false),
  ca_file: filePath().optional(),
  cert_file: filePath().optional(),
  key_file: filePath().optional(),
  server_name: text().optional(),
  min_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
})

/** A directory over LDAP; with `active_directory` one of Microsoft's. */
export const ldapStoreShape = z.strictObject({
  type: z.literal('ldap'),
  ...commonKeys,
  urls: z.array(ldapUrl()).min(1),
  bind_dn: dn().optional(),
  bind_password: secret().optional(),
  bind_password_file: filePath().optional(),
  user_base: dn().optional(),
  scope: z.enum(['base', 'one', 'sub']).default('sub'),
  user_filter: text(1024).optional(),
  user_attributes: z.array(attribute()).min(1).optional(),
  bind_template: text(1024).optional(),
  groups: groupsShape.optional(),
  attributes: attributesShape.optional(),
  tls: tlsShape.optional(),
  active_directory: z
    .strictObject({ upn_suffixes: z.array(text()).default([]), tell_state: z.boolean().default(false) })
    .optional(),
  shield: z
    .strictObject({
      threshold: z.int().min(2).max(1000).optional(),
      window: duration({ min: '1m', max: '7d' }).optional(),
      locked_for: duration({ min: '0s', max: '7d' }).optional(),
    })
    .optional(),
  connections: z
    .strictObject({
      threads: z.int().min(1).max(16).optional(),
      searches: z.int().min(1).max(1024).optional(),
      binds: z.int().min(1).max(1024).optional(),
    })
    .optional(),
})

export type LdapStore = z.output<typeof ldapStoreShape>

export function checkLdapStore(path: Path, report: Report): void {
  const given = (key: string) => report.given([...path, key])
  if (given('bind_password') && given('bind_password_file'))
    report.fault(path, 'has bind_password and bind_password_file', 'keep one of the two')
  const hasPassword = given('bind_password') || given('bind_password_file')
  if (given('bind_dn') && !hasPassword)
    report.fault([...path, 'bind_dn'], 'has no password', 'add bind_password_file')
  if (hasPassword && !given('bind_dn'))
    report.fault(path, 'has a bind password and no bind_dn', 'add bind_dn')
  if (!given('user_base') && !given('bind_template'))
    report.fault(path, 'says not where users are', 'add user_base, or bind_template')
  if (given('user_filter') && given('user_attributes'))
    report.fault([...path, 'user_filter'], 'and user_attributes say the same', 'keep one of the two')
  const filter = report.at([...path, 'user_filter'])
  if (typeof filter === 'string' && !filter.includes('{user}'))
    report.fault(
      [...path, 'user_filter'],
      'finds the same entry for every name',
      'write {user} where the name goes',
    )
  const tls = [...path, 'tls']
  if (report.given([...tls, 'cert_file']) !== report.given([...tls, 'key_file']))
    report.fault(tls, 'has one of cert_file and key_file', 'a client certificate needs both')
  const urls = report.at([...path, 'urls'])
  const isClear = Array.isArray(urls) && urls.some((url) => /^ldap:/i.test(String(url)))
  if (isClear && report.at([...tls, 'start_tls']) !== true)
    report.warn(
      [...path, 'urls'],
      'ldap:// sends passwords in clear',
      'write ldaps://, or tls: { start_tls: true }',
    )
}

function ldapUrl() {
  return scalar((raw): string | Slip => {
    const value = readText(raw)
    if (value instanceof Slip) return value
    const url = URL.canParse(value) ? new URL(value) : undefined
    const isWhole = url !== undefined && /^ldaps?:$/.test(url.protocol) && url.hostname !== ''
    if (!isWhole) return new Slip('is no LDAP address', 'write ldaps://dc1.example.org')
    return url.pathname.length > 1 || url.search !== '' || url.username !== ''
      ? new Slip('holds more than a server and a port', `write ${url.protocol}//${url.host}`)
      : `${url.protocol}//${url.host}`
  })
}
