import { describe, expect, test } from 'vitest'
import { describeWith } from '../real/needs.ts'
import { type RealSentinels, startSentinels } from '../real/redis.ts'
import { connected, isReadyWithin, recordedLog } from '../redis/connected.ts'
import { redisContracts } from '../redis/contracts.ts'

const connectTo = ({ name, ports }: RealSentinels, log = recordedLog()) => {
  const sentinels = ports.map((port) => ({ host: '127.0.0.1', port }))
  return connected({ servers: { kind: 'sentinel', name, sentinels, database: 0 } }, log)
}

describeWith(['redis-server', 'redis-cli'], 'Redis behind Sentinels', () => {
  redisContracts('with a replica', async () => {
    const sentinels = await startSentinels()
    return {
      masters: [await sentinels.master()],
      connect: () => connectTo(sentinels),
      stop: sentinels.stop,
    }
  })

  describe('when the master is lost', () => {
    test.each([
      ['is killed', 'SIGKILL'],
      ['hangs', 'SIGSTOP'],
    ] as const)('because it %s, its replica is used within 5 s, with what was kept', async (_, signal) => {
      await using resources = new AsyncDisposableStack()
      const sentinels = await startSentinels()
      resources.defer(sentinels.stop)
      const { client, key, ask, ...connection } = await connectTo(sentinels)
      resources.defer(connection.close)
      await ask(client.set(key('kept'), 'before', 'PX', 60_000))
      expect(await client.wait(1, 1000)).toBe(1)

      const lost = await sentinels.master()
      lost.signal(signal)
      await expect(ask(client.set(key('lost'), 'meanwhile', 'PX', 60_000))).rejects.toThrow('redis: ')
      expect(await isReadyWithin({ client, key, ask, ...connection }, 15_000)).toBeLessThan(5000)
      // Not every Sentinel hears of it as soon as the client.
      await expect.poll(async () => (await sentinels.master()).port).not.toBe(lost.port)
      // HttpAnswer of the new master by each Sentinel, the client connects once more.
      await expect.poll(() => client.get(key('kept'))).toBe('before')
    })
  })
})
