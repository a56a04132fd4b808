import { expect, test } from 'vitest'
import type { Log } from '../../src/domain/log.ts'
import { requestLimits } from '../../src/limits/request-limits.ts'
import { checkServerSettings } from '../../src/redis/settings-check.ts'
import { describeWith } from '../real/needs.ts'
import { type RealRedis, startCluster, startRedis } from '../real/redis.ts'
import { connected, isReadyWithin } from '../redis/connected.ts'

const serverOf = ({ port }: RealRedis) =>
  ({ kind: 'single', server: { host: '127.0.0.1', port }, database: 0 }) as const

/** @returns the events that the examination logs, with the setting that each tells to change. */
async function findingsOf(options: Parameters<typeof connected>[0]): Promise<readonly string[]> {
  const found: string[] = []
  const record = (event: string, fields?: object) => {
    found.push(`${event}: ${fields !== undefined && 'change' in fields ? fields.change : ''}`)
  }
  const log: Log = { debug: record, info: record, warn: record, error: record }
  const connection = await connected(options)
  try {
    await checkServerSettings(connection, log)
    return found
  } finally {
    connection.close()
  }
}

const EVICTS = 'redis.evicts: maxmemory-policy noeviction'
const FORGETS = 'redis.not_persistent: appendonly yes'

describeWith(['redis-server', 'redis-cli'], 'the settings of Redis', () => {
  test.each([
    ['appends to its file', ['appendonly yes'], []],
    ['saves snapshots', ['save 3600 1'], []],
    ['keeps nothing', [], [FORGETS]],
    ['evicts', ['appendonly yes', 'maxmemory-policy allkeys-lru'], [EVICTS]],
    ['evicts what has an end', ['save 60 1', 'maxmemory-policy volatile-ttl'], [EVICTS]],
    [
      'evicts, and its user may not read the settings',
      ['maxmemory-policy allkeys-lfu', 'user default on nopass ~* +@all -config'],
      [EVICTS],
    ],
  ])('of one that %s are told as they are', async (_, config, expected) => {
    const redis = await startRedis({ config })
    try {
      expect(await findingsOf({ servers: serverOf(redis) })).toEqual(expected)
    } finally {
      await redis.stop()
    }
  })

  test('of every master of a Cluster are looked at', async () => {
    const cluster = await startCluster()
    try {
      const nodes = cluster.nodes.slice(0, 1).map(({ port }) => ({ host: '127.0.0.1', port }))
      expect(await findingsOf({ servers: { kind: 'cluster', nodes } })).toEqual([FORGETS, FORGETS, FORGETS])
    } finally {
      await cluster.stop()
    }
  })
})

describeWith(['redis-server', 'redis-cli'], 'the limits of HTTP requests', () => {
  const RATES = {
    address: { points: 4, windowMs: 60_000 },
    token: { points: 4, windowMs: 60_000 },
  }

  test('are one limit over two brokers, and while Redis is away a part of it for each', async () => {
    await using resources = new AsyncDisposableStack()
    const redis = await startRedis()
    resources.defer(redis.stop)
    const brokers = await Promise.all(
      [1, 2].map(async () => {
        const connection = await connected({ servers: serverOf(redis) })
        resources.defer(connection.close)
        return { connection, limits: requestLimits(RATES, { connection, brokers: 2 }) }
      }),
    )
    const passed = async (address: string) => {
      const waits = await Promise.all(
        Array.from({ length: 50 }, (_, i) => brokers[i % 2]?.limits.count('address', address)),
      )
      return waits.filter((wait) => wait === undefined).length
    }
    expect(await passed('192.0.2.1')).toBe(4)
    await brokers[0]?.limits.refund('address', '192.0.2.9')
    for (const left of (await redis.expiries()).values()) expect(left).toBeGreaterThan(0)

    await redis.kill()
    expect(await passed('192.0.2.2')).toBe(4)
    await redis.start()
    for (const { connection } of brokers) await isReadyWithin(connection, 5000)
    expect(await passed('192.0.2.3')).toBe(4)
  })
})
