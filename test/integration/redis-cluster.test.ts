import { connected } from '../limits/connected.ts'
import { redisContracts } from '../limits/redis-contracts.ts'
import { describeWith } from '../real/needs.ts'
import { startCluster } from '../real/redis.ts'

describeWith(['redis-server', 'redis-cli'], 'Redis as a Cluster', () => {
  redisContracts('of six nodes', async () => {
    const cluster = await startCluster()
    const nodes = cluster.nodes.slice(0, 2).map(({ port }) => ({ host: '127.0.0.1', port }))
    return {
      masters: cluster.nodes.slice(0, 3),
      connect: () => connected({ servers: { kind: 'cluster', nodes } }),
      stop: cluster.stop,
    }
  })
})
