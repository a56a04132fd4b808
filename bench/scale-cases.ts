import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../test/real/postgres.ts'
import { type RealRedis, startRedis } from '../test/real/redis.ts'
import { startBareResponder } from './bare-server.ts'
import { type BrokerOptions, configurationOf, startBroker } from './broker-server.ts'
import {
  baseline,
  type Case,
  type Context,
  localBroker,
  missingPrograms,
  PLAIN,
  type Subject,
} from './case.ts'
import { fillStore } from './fill.ts'
import type { CodeMode, Server } from './server.ts'

const FEW = 1000
const MANY = 1_000_000
/** With PostgreSQL and Redis; each round spends a code of each user at most. */
const SHARED_USERS = 20_000
const WORKERS = 4
/** So tight that few users are refused again and again, before anything is looked up. */
const TIGHT = '{ user: 1/1h, address: 1/1h, gateway: 1000000/1s }'
const REFUSED_USERS = 64
/** What 1,000 users' codes allow a round, of which each lasts half a minute. */
const FEW_CODES = 600

/** What more brokers, more users and more processes change. */
export const SCALE_CASES: readonly Case[] = [
  {
    name: 'scale-brokers',
    about: 'logins by code at two brokers with one PostgreSQL and one Redis, against one broker',
    operation: 'code',
    inFlight: 64,
    parts: ['login'],
    missing: missingServers,
    prepare: async (around) => {
      const shared = await sharedServers(around)
      const one = () => shared.start('only')
      return {
        variants: PLAIN,
        subjects: [
          { name: 'two brokers', start: () => together(one, one) },
          { name: 'one broker', start: one },
        ],
      }
    },
  },
  {
    name: 'scale-machine',
    about: 'Status-Server at two bare responders, against one: what a second process gains on this machine',
    operation: 'status',
    inFlight: 64,
    parts: ['status'],
    prepare: async () => ({
      variants: PLAIN,
      subjects: [
        { name: 'two bare responders', start: () => together(startBareResponder, startBareResponder) },
        { name: 'one bare responder', start: startBareResponder },
      ],
    }),
  },
  {
    name: 'scale-records',
    about: 'logins by password and code with Redis and PostgreSQL, against memory and SQLite',
    operation: 'append',
    inFlight: 2,
    parts: ['login'],
    missing: missingServers,
    prepare: (around) => onBoth(around, 'append'),
  },
  {
    name: 'scale-records-code',
    about: 'the same by code alone, without the password check that hides the rest',
    operation: 'code',
    inFlight: 8,
    parts: ['login'],
    missing: missingServers,
    prepare: (around) => onBoth(around, 'only'),
  },
  {
    name: 'scale-users',
    about: `logins by code with ${MANY} users in SQLite, against ${FEW}`,
    operation: 'code',
    inFlight: 8,
    atMost: FEW_CODES,
    parts: ['login'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [await brokerOf(MANY, around), await brokerOf(FEW, around)],
    }),
  },
  {
    name: 'scale-status',
    about: `Status-Server at ${WORKERS} workers`,
    operation: 'status',
    inFlight: 128,
    parts: ['status'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await workers(around, 'only', { users: around.users }),
        await workers(around, 'only', { users: around.users }, 1),
        ...baseline(around, { mode: 'only' }),
      ],
    }),
  },
  {
    name: 'scale-rejects',
    about: `rejects at ${WORKERS} workers: of the rate limit there, of a wrong clear-text password at FreeRADIUS`,
    operation: 'reject',
    inFlight: 128,
    parts: ['reject'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await workers(around, 'append', { users: REFUSED_USERS, limits: TIGHT }),
        await workers(around, 'append', { users: REFUSED_USERS, limits: TIGHT }, 1),
        ...baseline({ ...around, users: REFUSED_USERS }, { mode: 'append' }, 'files and PAP'),
      ],
    }),
  },
]

function missingServers(): string | undefined {
  return missingPrograms([...POSTGRES_NEEDS, 'redis-server'], 'postgresql, redis-server')
}

async function together(...starts: readonly (() => Promise<Server>)[]): Promise<Server> {
  const servers: Server[] = []
  const stop = async () => {
    for (const server of servers) await server.stop()
  }
  try {
    for (const start of starts) servers.push(await start())
  } catch (error) {
    await stop()
    throw error
  }
  const [first, ...others] = servers.flatMap(({ targets }) => targets)
  if (first === undefined) throw new Error('nothing was started')
  return { pids: servers.flatMap(({ pids }) => pids), targets: [first, ...others], stop }
}

interface SharedServers {
  /** A broker that has its records and its ephemeral state there. */
  start(mode: CodeMode): Promise<Server>
}

async function sharedServers(around: Context): Promise<SharedServers> {
  const users = around.size(SHARED_USERS)
  around.progress(`filling a PostgreSQL with ${users} users`)
  const redis: RealRedis = await startRedis({ config: ['maxmemory-policy noeviction'] })
  around.defer(() => redis.stop())
  const postgres: Postgres = await startPostgres({ settings: { shared_buffers: '128MB' } })
  around.defer(() => postgres.stop())
  const folder = around.folder('shared')
  mkdirSync(folder.file('data'))
  writeFileSync(folder.file('data/seed.key'), `bench:${randomBytes(32).toString('base64')}\n`, {
    mode: 0o600,
  })
  writeFileSync(folder.file('url'), await postgres.newDatabase(), { mode: 0o600 })
  const options: Pick<BrokerOptions, 'folder' | 'storage' | 'more'> = {
    folder,
    storage: 'postgres: { url_file: url }, key_file: data/seed.key',
    more: `redis: { url: redis://127.0.0.1:${redis.port}, brokers: 2 }`,
  }
  await fillStore(await configurationOf(options), { from: 0, to: users, local: true })
  const { profiles } = around
  return { start: (mode) => startBroker({ ...options, mode, users, profiles }) }
}

async function onBoth(around: Context, mode: CodeMode) {
  const shared = await sharedServers(around)
  const own = await localBroker(around, mode)
  const subjects: [Subject, Subject] = [
    { name: 'Redis and PostgreSQL', start: () => shared.start(mode) },
    { name: 'memory and SQLite', start: own.start },
  ]
  return { variants: PLAIN, subjects }
}

async function brokerOf(count: number, around: Context): Promise<Subject> {
  const users = around.size(count)
  const { profiles } = around
  const folder = await around.store(`of ${users}`, { from: 0, to: users, local: true })
  return { name: `${count} users`, start: () => startBroker({ folder, mode: 'only', users, profiles }) }
}

async function workers(
  around: Context,
  mode: CodeMode,
  more: Pick<BrokerOptions, 'limits' | 'users'>,
  processes = WORKERS,
): Promise<Subject> {
  const { users, profiles } = around
  const folder = await around.store('of workers', { from: 0, to: users, local: true })
  const radius = `workers: ${processes}`
  const start = () => startBroker({ folder, mode, profiles, radius, ...more })
  return { name: processes === 1 ? 'ocbroker' : `ocbroker, ${processes} workers`, start }
}
