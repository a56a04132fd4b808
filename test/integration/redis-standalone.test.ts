import { expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { connectRedis } from '../../src/limits/redis-connection.ts'
import { connected, isReadyWithin, recordedLog, userOfFewRights } from '../limits/connected.ts'
import { redisContracts } from '../limits/redis-contracts.ts'
import { describeWith } from '../real/needs.ts'
import { startRedis } from '../real/redis.ts'

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
