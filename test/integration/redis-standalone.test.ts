import { expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { redisCounter } from '../../src/limits/redis-counter.ts'
import { connectRedis } from '../../src/redis/connection.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'
import { connected, isReadyWithin, recordedLog, userOfFewRights } from '../redis/connected.ts'
import { redisContracts } from '../redis/contracts.ts'

describeWith(['redis-server', 'redis-cli', 'openssl'], 'Redis as one server', () => {
  redisContracts('with TLS and a user of few rights', async () => {
    const redis = await startRedis({
      tls: true,
      password: 'for-the-tests',
      config: [userOfFewRights('let-me-in')],
    })
    const options = {
      servers: { kind: 'single', server: { host: '127.0.0.1', port: redis.port }, database: 0 },
      tls: { authorities: redis.authority, serverName: 'localhost' },
      username: 'ocbroker',
      password: new Secret('let-me-in'),
    } as const
    return { masters: [redis], connect: () => connected(options), stop: redis.stop }
  })

  test('is asked once before a check, for user, address and gateway together', async () => {
    await using resources = new AsyncDisposableStack()
    const redis = await startRedis()
    resources.defer(redis.stop)
    const server = { host: '127.0.0.1', port: redis.port }
    const connection = await connected({ servers: { kind: 'single', server, database: 0 } })
    resources.defer(async () => connection.close())
    const rate = { points: 100, windowMs: 60_000 }
    const rules = counterRules({
      rates: { user: rate, address: rate, gateway: rate },
      lockout: { after: 100, userAfter: 100, addressAfter: 100, withinMs: 60_000 },
      inFlightMs: 60_000,
    })
    const limits = attemptLimits(redisCounter(rules, connection), new ProcessId(systemRandom))
    const guesser = { user: 'bob', address: '198.51.100.7', gateway: 'gw1' }
    // The first brings the script to Redis.
    await limits.take(guesser)
    await redis.cli('config', 'resetstat')
    for (let tries = 0; tries < 10; tries += 1) expect((await limits.take(guesser)).kind).toBe('permit')
    const calls = (await redis.cli('info', 'commandstats')).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)
    const sent = [...calls].filter(([, name = '']) => /^eval|script|multi/.test(name))
    expect(sent.map(([, name, count]) => [name, count])).toEqual([['evalsha', '10']])
  })

  test('whose certificate is another name, another authority, or whose password is wrong, is not used', async () => {
    await using resources = new AsyncDisposableStack()
    const redis = await startRedis({ tls: true, password: 'right' })
    resources.defer(redis.stop)
    const servers = {
      kind: 'single',
      server: { host: '127.0.0.1', port: redis.port },
      database: 0,
    } as const
    const attempts = [
      { tls: { authorities: redis.authority, serverName: 'another' }, password: new Secret('right') },
      { tls: { serverName: 'localhost' }, password: new Secret('right') },
      { tls: { authorities: redis.authority, serverName: 'localhost' }, password: new Secret('wrong') },
      { tls: { authorities: redis.authority, serverName: 'localhost' } },
      { password: new Secret('right') },
    ]
    for (const attempt of attempts) {
      const log = recordedLog()
      const connection = connectRedis({ prefix: 'ocbroker', servers, ...attempt }, log)
      await expect(isReadyWithin(connection, 700)).rejects.toThrow('redis: ')
      connection.close()
      expect(log.events).toEqual(['redis.lost'])
    }
  })
})
