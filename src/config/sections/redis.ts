import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { parseAddress } from '../../domain/network.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Path, type Report, Slip } from '../fault.ts'
import { filePath, name, oneOrMany, readText, scalar, text } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'
import { readSecretFile } from '../secret-file.ts'
import { systemWords } from '../system-words.ts'

interface RedisAddress {
  readonly host: string
  /** Absent: the usual one. */
  readonly port?: number
  /** Absent: none was named. */
  readonly database?: number
  readonly tls: boolean
}

export const redisShape = z.strictObject({
  url: oneOrMany(redisAddress()),
  kind: z.enum(['server', 'sentinel', 'cluster']).default('server'),
  master: name().optional(),
  username: text(128).optional(),
  password_file: filePath().optional(),
  sentinel_password_file: filePath().optional(),
  tls: z.strictObject({ ca_file: filePath().optional(), server_name: text().optional() }).optional(),
  key_prefix: keyPrefix().default('ocbroker'),
  brokers: z.int().min(1).max(1000).default(2),
})

type Parsed = z.output<typeof redisShape>

interface RedisServer {
  readonly host: string
  readonly port: number
}

export interface RedisConfig {
  readonly servers:
    | { readonly kind: 'single'; readonly server: RedisServer; readonly database: number }
    | {
        readonly kind: 'sentinel'
        /** What the Sentinels call the master. */
        readonly name: string
        readonly sentinels: readonly RedisServer[]
        readonly sentinelPassword?: Secret
        readonly database: number
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisServer[] }
  readonly username?: string
  readonly password?: Secret
  readonly tls?: {
    /** Certificates in PEM; absent: the system's. */
    readonly authorities?: string
    readonly serverName?: string
  }
  readonly prefix: string
  /** Brokers that share the limits; while Redis is away, each has its part of them. */
  readonly brokers: number
}

/** What the files hold that the section names. */
export interface RedisFiles {
  readonly password?: Secret
  readonly sentinelPassword?: Secret
  readonly authorities?: string
}

const PORT = 6379
const SENTINEL_PORT = 26_379

export function checkRedis(draft: Draft<Parsed>, report: Report): void {
  const path: Path = ['redis']
  const addresses = (draft.url ?? []).filter((each) => each !== undefined)
  const given = (key: string) => report.given([...path, key])
  if (draft.kind === 'server' && (draft.url ?? []).length > 1)
    report.fault(
      [...path, 'url'],
      'names several servers',
      'write kind: sentinel or kind: cluster, or keep one',
    )
  if (new Set(addresses.map(({ tls }) => tls)).size > 1)
    report.fault([...path, 'url'], 'has servers with TLS and without', 'write rediss:// everywhere')
  const databases = new Set(addresses.map(({ database }) => database))
  if (draft.kind === 'cluster' && addresses.some(({ database = 0 }) => database !== 0))
    report.fault([...path, 'url'], 'a Cluster has no databases', 'leave out what stands behind the port')
  else if (databases.size > 1) report.fault([...path, 'url'], 'names more than one database', 'keep one')
  if (draft.kind === 'sentinel' && !given('master'))
    report.fault(path, 'has no master', 'add master: and the name that the Sentinels know it by')
  for (const key of ['master', 'sentinel_password_file'])
    if (given(key) && draft.kind !== undefined && draft.kind !== 'sentinel')
      report.fault(
        [...path, key],
        `has no meaning with kind: ${draft.kind}`,
        'remove it, or write kind: sentinel',
      )
  checkAccess(addresses, path, report)
}

function checkAccess(addresses: readonly Draft<RedisAddress>[], path: Path, report: Report): void {
  const given = (key: string) => report.given([...path, key])
  const hasPassword = given('password_file')
  if (given('username') && !hasPassword)
    report.fault([...path, 'username'], 'has no password', 'add password_file')
  const inClear = addresses.some(({ tls }) => tls === false)
  if (inClear && given('tls'))
    report.fault([...path, 'tls'], 'has no meaning with redis://', 'write rediss:// in redis.url')
  if (!addresses.some(({ host }) => host !== undefined && !isLoopback(host))) return
  if (inClear)
    report.warn([...path, 'url'], 'redis:// sends the password in clear', 'write rediss:// in redis.url')
  if (!hasPassword)
    report.warn(path, 'has no password: whoever reaches the server can lift limits', 'add password_file')
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || parseAddress(host)?.range() === 'loopback'
}

/** Reads the files that the section names. */
export async function readRedisFiles(
  draft: Draft<Parsed>,
  folder: string,
  report: Report,
): Promise<RedisFiles> {
  const secretAt = async (key: 'password_file' | 'sentinel_password_file') => {
    const file = draft[key]
    if (file === undefined) return undefined
    const found = await readSecretFile(resolve(folder, file))
    if (!(found instanceof Slip)) return found
    report.fault(['redis', key], found.problem, found.suggestion)
    return undefined
  }
  const password = await secretAt('password_file')
  const sentinelPassword = await secretAt('sentinel_password_file')
  const caFile = draft.tls?.ca_file
  const authorities =
    caFile === undefined ? undefined : await readAuthorities(resolve(folder, caFile), report)
  return { password, sentinelPassword, authorities }
}

async function readAuthorities(path: string, report: Report): Promise<string | undefined> {
  const place = ['redis', 'tls', 'ca_file']
  try {
    const pem = await readFile(path, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
    report.fault(place, `${path} holds no certificate in PEM`)
  } catch (error) {
    report.fault(place, `${path} cannot be read: ${systemWords(error)}`)
  }
  return undefined
}

export function resolveRedis(parsed: Parsed | undefined, files: RedisFiles): RedisConfig | undefined {
  if (parsed === undefined) return undefined
  const { url, username, tls, key_prefix: prefix, brokers } = parsed
  const { password } = files
  return {
    servers: serversOf(parsed, files),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(url[0]?.tls === true && {
      tls: {
        ...(files.authorities !== undefined && { authorities: files.authorities }),
        ...(tls?.server_name !== undefined && { serverName: tls.server_name }),
      },
    }),
    prefix,
    brokers,
  }
}

function serversOf({ url, kind, master = '' }: Parsed, files: RedisFiles): RedisConfig['servers'] {
  const [first] = url
  const at = (usual: number) => url.map(({ host, port = usual }): RedisServer => ({ host, port }))
  const database = first?.database ?? 0
  if (kind === 'cluster') return { kind, nodes: at(PORT) }
  if (kind === 'sentinel') {
    const { sentinelPassword } = files
    return {
      ...{ kind, name: master, sentinels: at(SENTINEL_PORT), database },
      ...(sentinelPassword !== undefined && { sentinelPassword }),
    }
  }
  const [server = { host: 'localhost', port: PORT }] = at(PORT)
  return { kind: 'single', server, database }
}

/** `redis://host:6379/0`; never quotes what it was given: people write passwords into such addresses. */
function redisAddress() {
  return scalar((raw): RedisAddress | Slip => {
    const value = readText(raw)
    if (value instanceof Slip) return value
    const url = URL.canParse(value) ? new URL(value) : undefined
    const [, database, more] = /^\/?(\d{0,5})(.*)$/.exec(url?.pathname ?? '') ?? []
    if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || more !== '')
      return new Slip('is no address of a Redis server', 'write redis://127.0.0.1:6379, or rediss:// for TLS')
    if (url.username !== '' || url.password !== '')
      return new Slip('holds a password', 'write username and password_file beside it')
    if (url.search !== '' || url.hash !== '')
      return new Slip('holds more than a server, a port and a database')
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(url.port !== '' && { port: Number(url.port) }),
      ...(database !== undefined && database !== '' && { database: Number(database) }),
      tls: url.protocol === 'rediss:',
    }
  })
}

function keyPrefix() {
  return scalar((raw): string | Slip => {
    const value = readText(raw)
    if (value instanceof Slip) return value
    return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(value)
      ? value
      : new Slip('is no prefix for keys', 'use up to 64 letters, digits, ".", "_", ":" and "-"')
  })
}
