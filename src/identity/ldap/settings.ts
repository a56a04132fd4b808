import { withKind } from './kinds.ts'
import { adUserFilter } from './mapping/active-directory.ts'
import { parseBindName } from './mapping/bind-name.ts'
import { parseDn } from './mapping/distinguished-name.ts'
import { type Placeholder, parseFilter, TemplateFault } from './mapping/filter-template.ts'
import { GROUP_PLACEHOLDERS } from './mapping/group-search.ts'
import { matchersInFilter } from './mapping/name-matcher.ts'
import type { LdapOptions } from './options.ts'
import { combinationFaults, type LdapSettings } from './provider-type.ts'
import type { Target } from './wire/open-connection.ts'

const DEFAULT_COUNTS_FOR_MS = 30 * 60_000
const SOCKET = 'ldapi:'
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'ldap:': 389, 'ldaps:': 636 }

/** An option that cannot be used as it is. */
export interface SettingsFault {
  /** The option, such as `groups.sources.0.base`; empty for the store. */
  readonly path: string
  readonly problem: string
}

export type LdapSettingsOptions = Omit<LdapOptions, 'clock' | 'random' | 'log' | 'replyFault'>

/** @returns all faults of the options; no server is asked. */
export function ldapFaults(options: LdapSettings): readonly SettingsFault[] {
  const valueAt = (value: unknown, key: string) => (value as Record<string, unknown> | undefined)?.[key]
  const faults: SettingsFault[] = combinationFaults(
    (...path) => path.reduce<unknown>(valueAt, options) !== undefined,
  ).map(({ path, problem }) => ({ path: path.join('.'), problem }))
  const check = (path: string, problem: string | undefined) => {
    if (problem !== undefined) faults.push({ path, problem })
  }
  if (options.urls.length === 0) check('urls', 'names no server')
  for (const [index, url] of options.urls.entries()) check(`urls.${index}`, urlFault(url))
  check('bind_dn', options.bind_dn === undefined ? undefined : bindNameFault(options.bind_dn, options))
  if (options.bind_password?.isEmpty)
    check('bind_password', 'is empty: the directory would take that for an anonymous bind')
  check('user_base', baseFault(options))
  const filter = filterFault(userFilter(options), ['user'], isNamedByTemplate(options))
  check('user_filter', filter ?? looseFault(options))
  check('bind_template', templateFault(options.bind_template))
  for (const [index, source] of (options.groups?.sources ?? []).entries()) {
    if (source.kind === 'memberOf') continue
    check(`groups.sources.${index}.base`, dnFault(source.base))
    if (source.kind === 'members')
      check(`groups.sources.${index}.filter`, filterFault(source.filter, GROUP_PLACEHOLDERS))
  }
  return faults
}

/** The options with every default filled in. */
export type DirectorySettings = ReturnType<typeof directorySettings>

/** @throws Error with the first fault. */
export function directorySettings(given: LdapSettingsOptions) {
  const options = withKind(given)
  const [fault] = ldapFaults(options)
  if (fault !== undefined)
    throw new Error(`identity ${options.name}: ${`${fault.path} ${fault.problem}`.trim()}`)
  const { bind_dn: dn, bind_password: password, bind_template: bindTemplate, user_base: base } = options
  const { deadlines = {}, limits = {}, tls = {}, groups } = options
  const map: Record<string, readonly string[]> = {}
  for (const [key, value] of Object.entries(groups?.map ?? {})) map[key] = [value].flat()
  return {
    name: options.name,
    servers: options.urls.map((url) => ({ url, target: targetOf(url, tls) })),
    tls: {
      caFile: tls.ca_file,
      certFile: tls.cert_file,
      keyFile: tls.key_file,
      minVersion: tls.min_version ?? 'TLSv1.2',
    },
    /** The broker's own account in the directory; absent if it searches anonymously. */
    service: dn === undefined || password === undefined ? undefined : { dn, password },
    users: { base, scope: options.scope ?? 'sub', filter: userFilter(options), bindTemplate },
    groups: {
      sources: groups?.sources ?? [],
      map,
      unmapped: groups?.unmapped ?? (Object.keys(map).length > 0 ? 'drop' : 'cn'),
      nameAttribute: groups?.name_attribute ?? 'cn',
      most: limits.groups ?? 1000,
    },
    attributes: options.attributes ?? {},
    contact: {
      mail: options.mail_attribute ?? 'mail',
      language: options.language_attribute ?? 'preferredLanguage',
    },
    isActiveDirectory: options.active_directory !== undefined,
    /** Whether it matters when a password was changed, and how many were wrong. */
    wantsPolicy: options.shield !== undefined,
    /** How long the directory counts a wrong password, in milliseconds. */
    countsForMs: options.shield?.window ?? DEFAULT_COUNTS_FOR_MS,
    /** How long the directory keeps an account locked; 0: until it is unlocked. */
    lockedForMs: options.shield?.locked_for,
    deadlines: {
      wholeMs: deadlines.wholeMs ?? 4000,
      connectMs: deadlines.connectMs ?? 1000,
      operationMs: deadlines.operationMs ?? 1500,
      retryDownMs: deadlines.retryDownMs ?? 2000,
    },
    pools: {
      searches: options.connections?.searches ?? 16,
      binds: options.connections?.binds ?? 32,
      logins: limits.logins ?? 1024,
      idleMs: limits.idleMs ?? 60_000,
      oldMs: limits.oldMs ?? 900_000,
    },
  }
}

/** @returns undefined if the template makes the entry's own distinguished name, which needs no filter. */
function userFilter(settings: LdapSettings): string | undefined {
  const { user_filter, user_attributes, active_directory: ad } = settings
  if (user_filter !== undefined) return user_filter
  if (user_attributes !== undefined) {
    const parts = user_attributes.map((attribute) => `(${attribute}={user})`).join('')
    return user_attributes.length === 1 ? parts : `(|${parts})`
  }
  if (isNamedByTemplate(settings)) return undefined
  return ad === undefined ? '(uid={user})' : adUserFilter(ad.upn_suffixes ?? [])
}

/** Whether the name to bind with is the name of the user's entry, which then needs no search. */
function isNamedByTemplate({ bind_template: template }: LdapSettings): boolean {
  return template !== undefined && templateFault(template) === undefined && parseBindName(template).isDn
}

function targetOf(url: string, { start_tls, server_name }: NonNullable<LdapSettings['tls']>): Target {
  const { protocol, hostname, port } = new URL(url)
  if (protocol === SOCKET) {
    const path = decodeURIComponent(hostname)
    return { host: path, port: 0, path, tls: 'none', serverName: path }
  }
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: port === '' ? (DEFAULT_PORTS[protocol] ?? 389) : Number(port),
    tls: protocol === 'ldaps:' ? 'from_start' : start_tls === true ? 'on_request' : 'none',
    serverName: server_name ?? host,
  }
}

function urlFault(url: string): string | undefined {
  const parsed = URL.parse(url)
  if (parsed?.protocol === SOCKET) return socketFault(parsed)
  if (parsed === null || DEFAULT_PORTS[parsed.protocol] === undefined)
    return `${JSON.stringify(url)} is not an address of the form ldap://host:port or ldaps://host:port`
  const { hostname, pathname, search, username } = parsed
  if (hostname === '') return `${JSON.stringify(url)} names no host`
  if (username !== '') return 'must not hold a user: bind_dn says who the broker is'
  return search !== '' || (pathname !== '' && pathname !== '/') ? 'must end behind the port' : undefined
}

function socketFault({ href }: URL): string | undefined {
  return /^ldapi:\/\/%2f(?:[\w.~-]|%2[0-9a-f])+\/?$/i.test(href)
    ? undefined
    : 'is not a path of a Unix socket: write ldapi://%2Frun%2Fslapd%2Fldapi'
}

function baseFault(settings: LdapSettings): string | undefined {
  if (settings.user_base !== undefined) return dnFault(settings.user_base)
  // Without a template, the combination of the keys is the fault.
  const isFound = settings.bind_template === undefined || isNamedByTemplate(settings)
  return isFound ? undefined : 'is missing: where are the users?'
}

/** Active Directory also takes a principal name, or an account name behind its domain (MS-ADTS §5.1.1.1.1). */
const AD_ACCOUNT = /^(?:[^@\\]+@[^@\\\s]+|[^@\\/\s]+\\[^@\\]+)$/

function bindNameFault(text: string, { active_directory: ad }: LdapSettings): string | undefined {
  if (!AD_ACCOUNT.test(text)) return dnFault(text)
  return ad === undefined
    ? `${JSON.stringify(text)} is an account of Active Directory: write a distinguished name, or add active_directory`
    : undefined
}

function dnFault(text: string): string | undefined {
  const levels = parseDn(text)
  if (levels === undefined) return `${JSON.stringify(text)} is not a distinguished name`
  return levels.length === 0 ? 'is empty' : undefined
}

/** @param isLimited whether the search covers a single entry anyway. */
function filterFault(
  text: string | undefined,
  known: readonly Placeholder[],
  isLimited = false,
): string | undefined {
  if (text === undefined) return undefined
  return faultOf(() => {
    parseFilter(text, known)
    if (!isLimited && !known.some((name) => text.includes(`{${name}}`)))
      throw new TemplateFault(
        `needs ${known.map((name) => `{${name}}`).join(' or ')}: it would match everybody`,
      )
  })
}

/** An entry that is found by anything but an equal name is found under many names, each with its own second factor. */
function looseFault(options: LdapSettings): string | undefined {
  const filter = userFilter(options)
  if (filter === undefined || isNamedByTemplate(options)) return undefined
  return matchersInFilter(parseFilter(filter, ['user'])).length > 0
    ? undefined
    : 'compares no attribute with {user} by "=", without "*": one entry would be many users'
}

function templateFault(text: string | undefined): string | undefined {
  return text === undefined ? undefined : faultOf(() => void parseBindName(text))
}

function faultOf(read: () => void): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof TemplateFault) return error.message
    throw error
  }
}
