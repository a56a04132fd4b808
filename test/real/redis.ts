import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Certificates, makeCertificates } from './certificates.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { outputOf, type RealProcess, thisMachine } from './process.ts'

interface RedisOptions {
  /** More lines for redis.conf: `maxmemory-policy allkeys-lru`. */
  readonly config?: readonly string[]
  /** Takes nothing but TLS, with a certificate for `localhost` alone. */
  readonly tls?: boolean
  /** Of the default user. */
  readonly password?: string
}

export interface RealRedis {
  readonly port: number
  /** The authority that signed its certificate, in PEM; empty without TLS. */
  readonly authority: string
  /** Runs a command by redis-cli and returns what it printed. */
  cli(...command: string[]): Promise<string>
  /** Every key that it holds as a master, with the milliseconds until its end; -1 where it has none. */
  expiries(): Promise<ReadonlyMap<string, number>>
  signal(signal: NodeJS.Signals): void
  /** Ends it without warning, as kill -9 does. */
  kill(): Promise<void>
  /** Starts it again, on the same port and folder. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** A redis-server on a free port of 127.0.0.1, with a folder of its own and nothing written to disk by itself. */
export async function startRedis({ config = [], tls, password }: RedisOptions = {}): Promise<RealRedis> {
  const port = await freePort()
  const folder = temporaryFolder('redis')
  const certificates: Certificates | undefined = tls === true ? await makeCertificates(folder) : undefined
  const file = folder.file('redis.conf')
  writeFileSync(
    file,
    [
      'bind 127.0.0.1',
      `dir ${folder.path}`,
      'save ""',
      'appendonly no',
      'loglevel notice',
      ...(certificates === undefined
        ? [`port ${port}`]
        : [
            'port 0',
            `tls-port ${port}`,
            'tls-auth-clients no',
            `tls-cert-file ${certificates.certificate}`,
            `tls-key-file ${certificates.key}`,
            `tls-ca-cert-file ${certificates.authority}`,
          ]),
      ...(password === undefined ? [] : [`requirepass ${password}`]),
      ...config,
    ].join('\n'),
  )
  let server: RealProcess | undefined
  const access = [
    ...(certificates === undefined ? [] : ['--tls', '--cacert', certificates.authority]),
    ...(password === undefined ? [] : ['--no-auth-warning', '-a', password]),
  ]
  const cli = async (...command: string[]) =>
    (await outputOf(thisMachine, 'redis-cli', ['-p', String(port), ...access, ...command])).trim()
  const redis: RealRedis = {
    port,
    authority: certificates?.authorityPem ?? '',
    cli,
    async expiries() {
      const answer = JSON.parse(await cli('eval', EXPIRIES, '0')) as readonly [string, number][] | object
      return new Map(Array.isArray(answer) ? answer : [])
    },
    signal: (signal) => server?.signal(signal),
    kill: async () => server?.stop({ signal: 'SIGKILL' }),
    async start() {
      server = thisMachine.start('redis-server', [file])
      await server.waitForOutput(/Ready to accept connections/)
    },
    async stop() {
      await server?.stop({ signal: 'SIGKILL' })
      await folder.remove()
    },
  }
  return startedOrStopped(redis)
}

const EXPIRIES = `
local expiries = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  expiries[#expiries + 1] = { key, redis.call('PTTL', key) }
end
return cjson.encode(expiries)
`

async function startedOrStopped(redis: RealRedis): Promise<RealRedis> {
  try {
    await redis.start()
    return redis
  } catch (error) {
    await redis.stop()
    throw error
  }
}

export interface RealSentinels {
  readonly name: string
  readonly ports: readonly number[]
  /** The two servers; which of them is the master the Sentinels say. */
  readonly servers: readonly [RealRedis, RealRedis]
  /** The server that the Sentinels call the master now. */
  master(): Promise<RealRedis>
  stop(): Promise<void>
}

/** A master with a replica, and three Sentinels that take a master for dead after 500 ms. */
export async function startSentinels(): Promise<RealSentinels> {
  const name = 'passing-state'
  await using started = new AsyncDisposableStack()
  const first = await startRedis()
  started.defer(first.stop)
  const second = await startRedis({ config: [`replicaof 127.0.0.1 ${first.port}`] })
  started.defer(second.stop)
  await until(async () => (await second.cli('info', 'replication')).includes('master_link_status:up'))
  const sentinels = []
  for (let count = 0; count < 3; count += 1) {
    const sentinel = await startSentinel(name, first.port)
    started.defer(sentinel.stop)
    sentinels.push(sentinel)
  }
  const [asked] = sentinels
  await until(async () => {
    const about = (await asked?.cli('sentinel', 'master', name)) ?? ''
    return /num-other-sentinels\n2\n/.test(about) && /num-slaves\n1\n/.test(about)
  })
  const all = started.move()
  return {
    name,
    ports: sentinels.map(({ port }) => port),
    servers: [first, second],
    async master() {
      const answer = (await asked?.cli('sentinel', 'get-master-addr-by-name', name)) ?? ''
      return answer.split('\n')[1] === String(first.port) ? first : second
    },
    stop: () => all.disposeAsync(),
  }
}

async function startSentinel(name: string, master: number) {
  const port = await freePort()
  const folder = temporaryFolder('sentinel')
  const file = folder.file('sentinel.conf')
  writeFileSync(
    file,
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder.path}`,
      `sentinel monitor ${name} 127.0.0.1 ${master} 2`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 1000`,
    ].join('\n'),
  )
  const server = thisMachine.start('redis-server', [file, '--sentinel'])
  const stop = async () => {
    await server.stop({ signal: 'SIGKILL' })
    await folder.remove()
  }
  try {
    await server.waitForOutput(/\+monitor master/)
  } catch (error) {
    await stop()
    throw error
  }
  const cli = (...command: string[]) => outputOf(thisMachine, 'redis-cli', ['-p', String(port), ...command])
  return { port, cli, stop }
}

export interface RealCluster {
  readonly nodes: readonly RealRedis[]
  /** The node that serves a key as its master. @param asked the node that tells; absent: the first one. */
  masterOf(key: string, asked?: RealRedis): Promise<RealRedis>
  /** Moves the slot of a key with all that is in it from one master to another. */
  moveSlot(key: string, from: RealRedis, to: RealRedis): Promise<void>
  stop(): Promise<void>
}

/** Three masters, which are the first nodes, and a replica of each, which steps in when its master has been silent for 1 s. @param config more lines for each redis.conf. */
export async function startCluster(config: readonly string[] = []): Promise<RealCluster> {
  await using started = new AsyncDisposableStack()
  const nodes: RealRedis[] = []
  for (let count = 0; count < 6; count += 1) {
    const node = await startRedis({
      config: [
        'cluster-enabled yes',
        `cluster-port ${await freePort()}`,
        'cluster-node-timeout 1000',
        'cluster-replica-validity-factor 0',
        'repl-diskless-sync-delay 0',
        ...config,
      ],
    })
    started.defer(node.stop)
    nodes.push(node)
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']
  await outputOf(thisMachine, 'redis-cli', create)
  for (const node of nodes) {
    await until(async () => (await node.cli('cluster', 'info')).includes('cluster_state:ok'))
  }
  await until(async () => {
    const links = await Promise.all(nodes.map((node) => node.cli('info', 'replication')))
    return links.filter((link) => link.includes('master_link_status:up')).length === 3
  })
  const all = started.move()
  return {
    nodes,
    async moveSlot(key, from, to) {
      const slot = await from.cli('cluster', 'keyslot', key)
      const [source, target] = [await from.cli('cluster', 'myid'), await to.cli('cluster', 'myid')]
      await to.cli('cluster', 'setslot', slot, 'importing', source)
      await from.cli('cluster', 'setslot', slot, 'migrating', target)
      const keys = (await from.cli('cluster', 'getkeysinslot', slot, '1000')).split('\n')
      await from.cli('migrate', '127.0.0.1', String(to.port), '', '0', '5000', 'keys', ...keys)
      for (const node of [to, from]) await node.cli('cluster', 'setslot', slot, 'node', target)
    },
    async masterOf(key, asked = nodes[0]) {
      if (asked === undefined) throw new Error('a cluster without nodes')
      const slot = Number(await asked.cli('cluster', 'keyslot', key))
      for (const line of (await asked.cli('cluster', 'nodes')).split('\n')) {
        const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ')
        const serves = ranges.some((range) => {
          const [from, to = from] = range.split('-').map(Number)
          return from !== undefined && to !== undefined && from <= slot && slot <= to
        })
        const port = Number(/:(\d+)@/.exec(address)?.[1])
        const node = nodes.find((each) => each.port === port)
        if (flags.includes('master') && serves && node !== undefined) return node
      }
      throw new Error(`no node serves ${key}`)
    },
    stop: () => all.disposeAsync(),
  }
}

/** Waits until something holds; throws after 20 s. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come about within 20 s')
    await sleep(50)
  }
}
