import { existsSync, readFileSync } from 'node:fs'
import type { Installation, RunningBroker, Sections } from '../../real/broker.ts'
import { freePort } from '../../real/free-port.ts'
import { type Postgres, startPostgres } from '../../real/postgres.ts'
import { installOnPostgres } from '../../real/postgres-broker.ts'
import { type RealRedis, startRedis } from '../../real/redis.ts'

/** Something that can be killed and comes back. */
export interface Victim {
  readonly name: string
  kill(): Promise<void>
  /** Resolves when it says that it serves. */
  start(): Promise<void>
}

export interface Broker extends Victim {
  readonly installation: Installation
  /** Of its HTTP API. */
  readonly url: string
  isUp(): boolean
  /** Aborted when it is killed: nobody need wait for its answer. */
  until(): AbortSignal
}

export interface Site {
  readonly brokers: readonly [Broker, Broker]
  readonly redis: Victim
  readonly postgres: Victim
  records(sql: string): ReturnType<Postgres['ask']>
}

/** Two brokers that share a PostgreSQL and a Redis. Everything ends with `resources`. */
export async function startSite(sections: Sections, resources: AsyncDisposableStack): Promise<Site> {
  const postgres = await startPostgres()
  resources.defer(postgres.stop)
  const redis = await startRedis({ config: ['appendonly yes', 'maxmemory-policy noeviction'] })
  resources.defer(redis.stop)
  const url = await postgres.newDatabase()
  const database = new URL(url).pathname.slice(1)
  const start = (name: string) => startBroker(name, url, redis, sections, resources)
  const brokers = await Promise.all([start('one broker'), start('the other broker')])
  return {
    brokers,
    redis: { name: 'Redis', kill: redis.kill, start: redis.start },
    postgres: { name: 'PostgreSQL', kill: postgres.kill, start: postgres.restart },
    records: (sql) => postgres.ask(sql, database),
  }
}

async function startBroker(
  name: string,
  url: string,
  redis: RealRedis,
  sections: Sections,
  resources: AsyncDisposableStack,
): Promise<Broker> {
  const port = await freePort()
  const installation = await installOnPostgres({
    url,
    sections: {
      redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
      http: { port, limits: { address: '1000000/1m', token: '1000000/1m' } },
      ...sections,
    },
  })
  resources.defer(installation.remove)
  let running: RunningBroker | undefined
  let until = new AbortController()
  resources.defer(async () => running?.stop())
  const start = async () => {
    running = await installation.serve()
    until = new AbortController()
  }
  await start()
  return {
    name,
    installation,
    url: `http://127.0.0.1:${port}/api/v1`,
    isUp: () => !until.signal.aborted,
    until: () => until.signal,
    kill: async () => {
      await running?.kill()
      until.abort()
    },
    start,
  }
}

/** What a broker has put aside of accounting that is not in the database. A kill may leave a file in which nothing is. */
export function putAside({ folder }: Installation): readonly string[] {
  const files = ['waiting', 'leaving', 'refused'].map((kind) => folder.file(`accounting/accounting.${kind}`))
  return files.filter(existsSync).flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    return text === '' ? [] : [`${file}: ${text}`]
  })
}
