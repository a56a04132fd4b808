import { adUserFilter } from './active-directory.ts'
import { parseBindName } from './bind-name.ts'
import { parseDn } from './distinguished-name.ts'
import { type Placeholder, parseFilter, TemplateFault } from './filter-template.ts'
import { GROUP_PLACEHOLDERS } from './group-placeholders.ts'
import { claimsInFilter } from './name-claims.ts'
import type { Target } from './open-connection.ts'
import type { LdapOptions } from './options.ts'
import type { DirectorySettings } from './settings.ts'

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'ldap:': 389, 'ldaps:': 636 }

/** Something that cannot be meant so. */
export interface SettingsFault {
  /** The option, such as `groups.sources.0.base`. */
  readonly path: string
  readonly problem: string
}

export type LdapSettingsOptions = Omit<LdapOptions, 'clock' | 'random' | 'log' | 'replyFault'>

/** @returns everything that is wrong with the options, without asking any server. */
export function ldapFaults(options: LdapSettingsOptions): readonly SettingsFault[] {
  const faults: SettingsFault[] = []
  const check = (path: string, problem: string | undefined) => {
    if (problem !== undefined) faults.push({ path, problem })
  }
  if (options.urls.length === 0) check('urls', 'names no server')
  for (const [index, url] of options.urls.entries()) check(`urls.${index}`, urlFault(url))
  check('bindDn', options.bindDn === undefined ? undefined : dnFault(options.bindDn))
  if ((options.bindDn === undefined) !== (options.bindPassword === undefined))
    check('bindPassword', 'bindDn and bindPassword belong together')
  if (options.bindPassword?.isEmpty)
    check('bindPassword', 'is empty: the directory would take that for nobody')
  check('userBase', baseFault(options))
  const filter = filterFault(userFilter(options), ['user'], isNamedByTemplate(options))
  check('userFilter', filter ?? looseFault(options))
  check('bindTemplate', templateFault(options.bindTemplate))
  for (const [index, source] of (options.groups?.sources ?? []).entries()) {
    if (source.kind === 'memberOf') continue
    check(`groups.sources.${index}.base`, dnFault(source.base))
    if (source.kind === 'members')
      check(`groups.sources.${index}.filter`, filterFault(source.filter, GROUP_PLACEHOLDERS))
  }
  const { certFile, keyFile } = options.tls ?? {}
  if ((certFile === undefined) !== (keyFile === undefined))
    check('tls.keyFile', 'certFile and keyFile belong together')
  return faults
}

/** @throws Error with the first fault. */
export function directorySettings(options: LdapSettingsOptions): DirectorySettings {
  const [fault] = ldapFaults(options)
  if (fault !== undefined) throw new Error(`identity ${options.name}: ${fault.path} ${fault.problem}`)
  const { deadlines = {}, pools = {}, tls = {}, groups, bindDn, bindPassword } = options
  const { threads = 2, searches = 16, binds = 32, logins = 1024 } = pools
  const filter = userFilter(options)
  const map = Object.entries(groups?.map ?? {}).map(([key, value]) => [key, [value].flat()])
  return {
    name: options.name,
    servers: options.urls.map((url) => ({ url, target: targetOf(url, tls) })),
    tls: { minVersion: 'TLSv1.2', ...only(tls, ['caFile', 'certFile', 'keyFile', 'minVersion']) },
    ...(bindDn !== undefined &&
      bindPassword !== undefined && { service: { dn: bindDn, password: bindPassword.reveal() } }),
    users: {
      scope: options.scope ?? 'sub',
      ...(options.userBase !== undefined && { base: options.userBase }),
      ...(filter !== undefined && { filter }),
      ...(options.bindTemplate !== undefined && { bindTemplate: options.bindTemplate }),
    },
    groups: {
      sources: groups?.sources ?? [],
      map: Object.fromEntries(map),
      unmapped: groups?.unmapped ?? (map.length > 0 ? 'drop' : 'cn'),
      nameAttribute: groups?.nameAttribute ?? 'cn',
      most: groups?.most ?? 1000,
    },
    attributes: options.attributes ?? {},
    isActiveDirectory: options.ad !== undefined,
    wantsStamp: options.shield !== undefined,
    deadlines: {
      connectMs: deadlines.connectMs ?? 1000,
      operationMs: deadlines.operationMs ?? 1500,
      retryDownMs: deadlines.retryDownMs ?? 2000,
    },
    pools: {
      searches: Math.ceil(searches / threads),
      binds: Math.ceil(binds / threads),
      waiting: Math.ceil(logins / threads),
      idleMs: pools.idleMs ?? 60_000,
      oldMs: pools.oldMs ?? 900_000,
    },
  }
}

/** @returns undefined where a distinguished name made by the template finds the entry by itself. */
function userFilter({
  userFilter,
  userAttributes,
  ad,
  bindTemplate,
}: LdapSettingsOptions): string | undefined {
  if (userFilter !== undefined) return userFilter
  if (userAttributes !== undefined) {
    const parts = userAttributes.map((attribute) => `(${attribute}={user})`).join('')
    return userAttributes.length === 1 ? parts : `(|${parts})`
  }
  if (isNamedByTemplate({ bindTemplate })) return undefined
  return ad === undefined ? '(uid={user})' : adUserFilter(ad.upnSuffixes ?? [])
}

/** Whether the name to bind with is the name of the user's entry, which then needs no search. */
function isNamedByTemplate({ bindTemplate }: Pick<LdapSettingsOptions, 'bindTemplate'>): boolean {
  return (
    bindTemplate !== undefined &&
    templateFault(bindTemplate) === undefined &&
    parseBindName(bindTemplate).isDn
  )
}

function targetOf(url: string, { startTls, serverName }: NonNullable<LdapOptions['tls']>): Target {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: port === '' ? (DEFAULT_PORTS[protocol] ?? 389) : Number(port),
    tls: protocol === 'ldaps:' ? 'from_start' : startTls === true ? 'on_request' : 'none',
    serverName: serverName ?? host,
  }
}

function urlFault(url: string): string | undefined {
  const parsed = URL.parse(url)
  if (parsed === null || DEFAULT_PORTS[parsed.protocol] === undefined)
    return `${JSON.stringify(url)} is no address of the form ldap://host:port or ldaps://host:port`
  const { hostname, pathname, search, username } = parsed
  if (hostname === '') return `${JSON.stringify(url)} names no host`
  if (username !== '') return 'must not hold a user: bindDn says who the broker is'
  return search !== '' || (pathname !== '' && pathname !== '/') ? 'must end behind the port' : undefined
}

function baseFault({ userBase, bindTemplate }: LdapSettingsOptions): string | undefined {
  if (userBase !== undefined) return dnFault(userBase)
  return isNamedByTemplate({ bindTemplate }) ? undefined : 'is missing: where are the users?'
}

function dnFault(text: string): string | undefined {
  const levels = parseDn(text)
  if (levels === undefined) return `${JSON.stringify(text)} is no distinguished name`
  return levels.length === 0 ? 'is empty' : undefined
}

/** @param isLimited whether the search is of one entry anyway. */
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

/** What is found by anything but an equal name is found under many names, with a second factor for each. */
function looseFault(options: LdapSettingsOptions): string | undefined {
  const filter = userFilter(options)
  if (filter === undefined || isNamedByTemplate(options)) return undefined
  return claimsInFilter(parseFilter(filter, ['user'])).length > 0
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

function only<T extends object, K extends keyof T>(source: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]]),
  ) as Pick<T, K>
}
