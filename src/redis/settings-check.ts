import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../domain/log.ts'
import type { RedisConnection } from './connection.ts'

/** The first version with GETDEL, the newest command that is used. */
const MIN_VERSION: readonly [number, number] = [6, 2]

/**
 * Logs each setting of Redis that can lose limits and challenges, with the change to make. What CONFIG does not show is
 * taken from INFO.
 */
export async function checkServerSettings({ client, ask }: RedisConnection, log: Log): Promise<void> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client]
  for (const server of servers) await ask(checkServer(server, log))
}

async function checkServer(server: Redis, log: Log): Promise<void> {
  const info = parseInfo(await server.info())
  const setting = async (name: string): Promise<string | undefined> => {
    try {
      const [, value] = (await server.config('GET', name)) as readonly (string | undefined)[]
      return value
    } catch {
      return undefined // CONFIG is often disabled by managed Redis providers.
    }
  }
  const { path, host, port } = server.options
  const on = path ?? `${host}:${port}`

  const version = info.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]))
    log.error('redis.too_old', { server: on, version, change: `Redis ${MIN_VERSION.join('.')} or newer` })

  const policy = (await setting('maxmemory-policy')) ?? info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    log.warn('redis.evicts', {
      server: on,
      policy,
      consequence: 'when its memory is full it drops failed logins, challenges and sessions too early',
      change: 'maxmemory-policy noeviction',
    })

  if (info.get('aof_enabled') !== '1' && (await setting('save')) === '')
    log.warn('redis.not_persistent', {
      server: on,
      consequence: 'a restart of Redis forgets failed logins, challenges and sessions',
      change: 'appendonly yes',
    })
}

/** The lines `name:value` of INFO. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.matchAll(/^([^:\r\n]+):([^\r\n]*)/gm)
  return new Map([...lines].map(([, name = '', value = '']) => [name, value] as const))
}
