import { z } from 'zod'
import type { Secret } from '../../domain/secret.ts'
import { type Path, ValueError } from '../../schema/config-error.ts'
import { filePath, fromText, name, oneOrMany, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { decoded, hostOf, isLocalHost, readAuthorities, readNamedSecret } from './remote-server.ts'

interface RedisAddress {
  /** A name, an address, or the path of a Unix socket. */
  readonly host: string
  /** Absent: the default port. */
  readonly port?: number
  /** Absent: the default database. */
  readonly database?: number
  readonly tls: boolean
}

export const redisSchema = z.strictObject({
  url: oneOrMany(fromText(readUrl)),
  kind: z.enum(['server', 'sentinel', 'cluster']).default('server'),
  master: name().optional(),
  username: text(128).optional(),
  password_file: filePath().optional(),
  sentinel_password_file: filePath().optional(),
  tls: z.strictObject({ ca_file: filePath().optional(), server_name: text().optional() }).optional(),
  key_prefix: fromText(readKeyPrefix).default('ocbroker'),
  /** Brokers that share the limits; while Redis is unavailable each has its share of them. */
  brokers: z.int().min(1).max(1000).default(2),
})

type Parsed = z.output<typeof redisSchema>
type RedisFiles = Awaited<ReturnType<typeof readRedisFiles>>
export type RedisConfig = NonNullable<ReturnType<typeof resolveRedis>>

const PORT = 6379
const SENTINEL_PORT = 26_379
const PATH: Path = ['redis']

export function checkRedis(redis: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  const { kind, url = [] } = redis
  const addresses = url.filter((each) => each !== undefined)
  const at = (key: string) => [...PATH, key]
  if (kind === 'server' && url.length > 1)
    diagnostics.fault(
      at('url'),
      'names several servers',
      'write kind: sentinel or kind: cluster, or keep one',
    )
  if (new Set(addresses.map(({ tls }) => tls)).size > 1)
    diagnostics.fault(at('url'), 'has servers with TLS and without', 'write rediss:// everywhere')
  if (kind === 'cluster' && addresses.some(({ database = 0 }) => database !== 0))
    diagnostics.fault(at('url'), 'a Cluster has no databases', 'leave out what stands after the port')
  else if (new Set(addresses.map(({ database }) => database)).size > 1)
    diagnostics.fault(at('url'), 'names more than one database', 'keep one')
  if (kind !== 'server' && addresses.some(({ host }) => host?.startsWith('/')))
    diagnostics.fault(at('url'), 'names a Unix socket', 'write redis://HOST:PORT, or kind: server')
  if (kind === 'sentinel' && !diagnostics.given(at('master')))
    diagnostics.fault(PATH, 'has no master', 'add master: and the name that the Sentinels know it by')
  for (const key of ['master', 'sentinel_password_file'])
    if (diagnostics.given(at(key)) && kind !== undefined && kind !== 'sentinel')
      diagnostics.fault(at(key), `has no meaning with kind: ${kind}`, 'remove it, or write kind: sentinel')
  checkAccess(addresses, diagnostics)
}

function checkAccess(addresses: readonly PartialConfig<RedisAddress>[], diagnostics: Diagnostics): void {
  const given = (key: string) => diagnostics.given([...PATH, key])
  const hasPassword = given('password_file')
  if (given('username') && !hasPassword)
    diagnostics.fault([...PATH, 'username'], 'has no password', 'add password_file')
  const isClear = addresses.some(({ tls }) => tls === false)
  if (isClear && given('tls'))
    diagnostics.fault([...PATH, 'tls'], 'has no meaning with redis://', 'write rediss:// in redis.url')
  if (addresses.every(({ host }) => host === undefined || isLocalHost(host))) return
  if (isClear)
    diagnostics.warn([...PATH, 'url'], 'redis:// sends the password in clear', 'write rediss:// in redis.url')
  if (!hasPassword)
    diagnostics.warn(
      PATH,
      'has no password: anyone who reaches the server can lift limits',
      'add password_file',
    )
}

export async function readRedisFiles(
  redis: PartialConfig<Parsed> | undefined,
  folder: string,
  diagnostics: Diagnostics,
) {
  const secret = (key: 'password_file' | 'sentinel_password_file') =>
    readNamedSecret(folder, redis?.[key], [...PATH, key], diagnostics)
  return {
    password: await secret('password_file'),
    sentinelPassword: await secret('sentinel_password_file'),
    authorities: await readAuthorities(folder, redis?.tls?.ca_file, [...PATH, 'tls', 'ca_file'], diagnostics),
  }
}

export function resolveRedis(parsed: Parsed | undefined, files: RedisFiles) {
  if (parsed === undefined) return undefined
  const { url, username, tls, key_prefix: prefix, brokers } = parsed
  return {
    servers: serversOf(parsed, files.sentinelPassword),
    username,
    password: files.password,
    tls: url[0]?.tls ? { authorities: files.authorities, serverName: tls?.server_name } : undefined,
    prefix,
    brokers,
  }
}

function serversOf({ url, kind, master = '' }: Parsed, sentinelPassword: Secret | undefined) {
  const at = (defaultPort: number) => url.map(({ host, port = defaultPort }) => ({ host, port }))
  const database = url[0]?.database ?? 0
  if (kind === 'cluster') return { kind, nodes: at(PORT) }
  if (kind === 'sentinel')
    return { kind, name: master, sentinels: at(SENTINEL_PORT), sentinelPassword, database }
  const [address = { host: 'localhost', port: PORT }] = at(PORT)
  const server = address.host.startsWith('/') ? { path: address.host } : address
  return { kind: 'single' as const, server, database }
}

/** `redis://host:6379/0`, or `unix:///path?db=0`. Errors never quote the value: people write passwords into such addresses. */
function readUrl(value: string): RedisAddress | ValueError {
  const url = URL.parse(value)
  if (url?.protocol === 'unix:') return readSocket(url)
  const [, database, more] = /^\/?(\d{0,5})(.*)$/.exec(url?.pathname ?? '') ?? []
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || more !== '')
    return new ValueError(
      'is not an address of a Redis server',
      'write redis://127.0.0.1:6379, or rediss:// for TLS',
    )
  if (url.username !== '' || url.password !== '')
    return new ValueError('holds a password', 'write username and password_file beside it')
  if (url.search !== '' || url.hash !== '')
    return new ValueError('holds more than a server, a port and a database')
  return {
    host: hostOf(url),
    port: url.port === '' ? undefined : Number(url.port),
    database: database ? Number(database) : undefined,
    tls: url.protocol === 'rediss:',
  }
}

function readSocket(url: URL): RedisAddress | ValueError {
  const example = 'write unix:///run/redis/redis-server.sock, with ?db=1 for a database'
  if (url.username !== '' || url.password !== '')
    return new ValueError('holds a password', 'write username and password_file beside it')
  const [, database] = /^(?:\?db=(\d{1,5}))?$/.exec(url.search) ?? [undefined, 'none']
  const path = decoded(url.pathname)
  if (url.host !== '' || path === undefined || path.length < 2 || url.hash !== '' || database === 'none')
    return new ValueError('is not a path of a Unix socket', example)
  return {
    host: path,
    database: database === undefined ? undefined : Number(database),
    tls: false,
  }
}

function readKeyPrefix(value: string): string | ValueError {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(value)
    ? value
    : new ValueError('is not a prefix for keys', 'use up to 64 letters, digits, ".", "_", ":" and "-"')
}
