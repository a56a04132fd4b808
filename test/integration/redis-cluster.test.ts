import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { redisCounter } from '../../src/limits/redis-counter.ts'
import { describeWith } from '../real/needs.ts'
import { type RealCluster, startCluster } from '../real/redis.ts'
import { connected, isReadyWithin, userOfFewRights } from '../redis/connected.ts'
import { redisContracts } from '../redis/contracts.ts'

/** Two of the nodes: the others are found. */
const connectTo = ({ nodes }: RealCluster, access: { username?: string; password?: Secret } = {}) =>
  connected({
    servers: { kind: 'cluster', nodes: nodes.slice(0, 2).map(({ port }) => ({ host: '127.0.0.1', port })) },
    ...access,
  })

const PLENTY = { points: 1000, windowMs: 60_000 }
const RULES = counterRules({
  rates: { user: PLENTY, address: PLENTY, gateway: PLENTY },
  lockout: { after: 5, userAfter: 100, addressAfter: 100, withinMs: 60_000 },
  inFlightMs: 60_000,
})

describeWith(['redis-server', 'redis-cli'], 'Redis as a Cluster', () => {
  redisContracts('of six nodes, with a user of few rights', async () => {
    const cluster = await startCluster([userOfFewRights('let-me-in')])
    return {
      masters: cluster.nodes.slice(0, 3),
      connect: () => connectTo(cluster, { username: 'ocbroker', password: new Secret('let-me-in') }),
      stop: cluster.stop,
    }
  })

  describe('when its nodes change', () => {
    test('the failures of a user move with their slot, and outlive the loss of its node', async () => {
      await using resources = new AsyncDisposableStack()
      const cluster = await startCluster()
      resources.defer(cluster.stop)
      const connection = await connectTo(cluster)
      resources.defer(connection.close)
      const limits = attemptLimits(redisCounter(RULES, connection), new ProcessId(systemRandom))
      const subject = { user: 'bob', address: '198.51.100.7', gateway: 'gw1' }
      const fail = async () => {
        const permit = await limits.take(subject)
        return permit.kind === 'permit' ? permit.fail(async (full) => full) : permit
      }
      expect(await fail()).toEqual([])
      const from = await cluster.masterOf('{limits}')
      const to = cluster.nodes.slice(0, 3).find((node) => node !== from) ?? expect.unreachable()
      await cluster.moveSlot('{limits}', from, to)
      expect(await fail()).toEqual([])
      expect(await cluster.masterOf('{limits}')).toBe(to)

      expect(await connection.client.wait(1, 1000)).toBeGreaterThanOrEqual(0)
      await to.kill()
      expect(await isReadyWithin(connection, 20_000)).toBeLessThan(8000)
      // A node that has not heard of the new master yet would send the client back to the dead one.
      for (const node of cluster.nodes.filter((each) => each !== to))
        await expect.poll(() => cluster.masterOf('{limits}', node)).not.toBe(to)
      await isReadyWithin(connection, 5000)
      expect(await fail()).toEqual([])
      expect(await fail()).toEqual([])
      expect(await fail()).toEqual(['user_address'])
    })
  })
})
