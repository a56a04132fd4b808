import type { Remark } from '../../domain/identity-provider.ts'
import { escapeDnValue, parseDn } from './mapping/distinguished-name.ts'
import type { GroupSource, KINDS, LdapSettings } from './provider-type.ts'
import type { Entry } from './wire/response-reader.ts'

export type Kind = (typeof KINDS)[number]

type Defaults = Pick<LdapSettings, 'active_directory' | 'user_filter' | 'attributes'> & {
  readonly groups: (base: string) => readonly GroupSource[]
}

const LISTED: Defaults['groups'] = () => [{ kind: 'memberOf' }]
const DOMAIN_CONTROLLER: Defaults = {
  active_directory: {},
  groups: (base) => [{ kind: 'nested', base }],
  attributes: { ipv4: 'msRADIUSFramedIPAddress', routes: 'msRADIUSFramedRoute' },
}
/** Their overlay or plugin for `memberOf` is off unless somebody turned it on. */
const SEARCHED: Defaults = { groups: (base) => [{ kind: 'members', base }] }

const DEFAULTS: Readonly<Record<Exclude<Kind, 'generic'>, Defaults>> = {
  active_directory: DOMAIN_CONTROLLER,
  samba: DOMAIN_CONTROLLER,
  freeipa: { user_filter: '(&(objectClass=posixAccount)(uid={user}))', groups: LISTED },
  '389ds': SEARCHED,
  openldap: SEARCHED,
  lldap: { user_filter: '(&(objectClass=person)(uid={user}))', groups: LISTED },
}

/** What such a directory has, under what is written. */
export function withKind<Settings extends LdapSettings>(settings: Settings): Settings {
  const { kind = 'generic', user_base, bind_template, groups, user_filter, user_attributes } = settings
  if (kind === 'generic') return settings
  const defaults = DEFAULTS[kind]
  const isNamed = user_filter !== undefined || user_attributes !== undefined || bind_template !== undefined
  return {
    ...settings,
    active_directory: settings.active_directory ?? defaults.active_directory,
    user_filter: isNamed ? user_filter : defaults.user_filter,
    attributes: settings.attributes ?? defaults.attributes,
    groups: {
      ...groups,
      sources: groups?.sources ?? defaults.groups(domainOf(user_base ?? bind_template ?? '')),
    },
  }
}

/** The domain that a name lies in; the name itself where it is in none. */
export function domainOf(dn: string): string {
  const parts = (parseDn(dn.replaceAll('{user}', 'x')) ?? []).flat().filter(([type]) => type === 'dc')
  return parts.length === 0 ? dn : parts.map(([type, value]) => `${type}=${escapeDnValue(value)}`).join(',')
}

/** What tells directories apart (RFC 4512 §5.1, MS-ADTS §3.1.1.3.2). */
export const ROOT_ATTRIBUTES: readonly string[] = [
  'vendorName',
  'supportedCapabilities',
  'objectClass',
  'ipaTopologyPluginVersion',
]

/** LDAP_CAP_ACTIVE_DIRECTORY_OID */
const ACTIVE_DIRECTORY = '1.2.840.113556.1.4.800'

/** @returns which kind the root of a directory shows; undefined where it tells nothing that is known. */
export function kindShown({ attributes }: Pick<Entry, 'attributes'>): Kind | undefined {
  const vendor = attributes.get('vendorname')?.[0]?.toLowerCase() ?? ''
  if (attributes.get('supportedcapabilities')?.includes(ACTIVE_DIRECTORY))
    return vendor.startsWith('samba') ? 'samba' : 'active_directory'
  if (vendor.startsWith('389 project'))
    return attributes.has('ipatopologypluginversion') ? 'freeipa' : '389ds'
  if (vendor.startsWith('lldap')) return 'lldap'
  return attributes.get('objectclass')?.some((name) => /^openldaprootdse$/i.test(name))
    ? 'openldap'
    : undefined
}

/** @returns undefined where the kind fits, or where the directory does not tell. */
export function kindMisfit(
  { kind, active_directory }: LdapSettings,
  shown: Kind | undefined,
): Remark | undefined {
  if (shown === undefined || shown === kind) return undefined
  const remedy = `write kind: ${shown}`
  if (kind !== undefined && kind !== 'generic')
    return { problem: `kind: ${kind} does not fit, as the server shows that it is ${shown}`, remedy }
  const isDomain = shown === 'active_directory' || shown === 'samba'
  return isDomain && active_directory === undefined
    ? { problem: 'the server is a domain controller, whose names and account states are not read', remedy }
    : undefined
}
