import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../domain/log.ts'
import type { RedisConnection } from './redis-connection.ts'

/** The oldest that has all the commands that are used: GETDEL came with it. */
const OLDEST: readonly [number, number] = [6, 2]

/**
 * Looks for settings of Redis that lose limits and challenges, and logs each with the setting to change. Where the
 * user may not read the settings, what INFO tells is taken.
 */
export async function examineRedis({ client, ask }: RedisConnection, log: Log): Promise<void> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client]
  for (const server of servers) await ask(examine(server, log))
}

async function examine(server: Redis, log: Log): Promise<void> {
  const facts = factsOf(await server.info())
  const setting = async (name: string): Promise<string | undefined> => {
    try {
      const [, value] = (await server.config('GET', name)) as readonly (string | undefined)[]
      return value
    } catch {
      return undefined // forbidden, as at many who let Redis
    }
  }
  const on = `${server.options.host}:${server.options.port}`

  const version = facts.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    log.error('redis.too_old', { server: on, version, change: `Redis ${OLDEST.join('.')} or newer` })

  const policy = (await setting('maxmemory-policy')) ?? facts.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    log.warn('redis.evicts', {
      server: on,
      policy,
      consequence:
        'when its memory is full it forgets failed logins, challenges and sessions before their time',
      change: 'maxmemory-policy noeviction',
    })

  const appends = facts.get('aof_enabled') === '1'
  const saves = await setting('save')
  if (!appends && saves === '')
    log.warn('redis.not_persistent', {
      server: on,
      consequence: 'a restart of Redis forgets failed logins, challenges and sessions',
      change: 'appendonly yes',
    })
}

/** The lines `name:value` of INFO. */
function factsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : []
    }),
  )
}
