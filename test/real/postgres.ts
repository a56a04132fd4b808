import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { postgresProgram } from './postgres-programs.ts'
import { outputOf, type RealProcess, thisMachine } from './process.ts'

/** What `startPostgres` needs, for `describeWith`. */
export const POSTGRES_NEEDS: readonly string[] = [
  postgresProgram('initdb'),
  postgresProgram('postgres'),
  ...(isRoot() ? ['setpriv'] : []),
]

export interface Postgres {
  readonly port: number
  /** A new empty database of the test's own. @returns its URL; the user in it owns it and is no superuser. */
  newDatabase(): Promise<string>
  /** What a superuser is answered. */
  ask(sql: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Ends the server and everything it started, by SIGKILL; the data stay. */
  kill(): Promise<void>
  /** Starts it again and waits until it answers. @returns after how many milliseconds of waiting. */
  restart(): Promise<void>
  /** SIGSTOP to the server and all its children: connections stay, nothing answers. */
  hang(): void
  resume(): void
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Settings for its command line. */
  readonly settings?: Readonly<Record<string, string>>
  /** Speaks TLS with this certificate and key (PEM). */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

const PASSWORD = 'known-to-tests-alone'
const LANGUAGE = ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en-US', '--no-sync']

/** A PostgreSQL with data of its own on a free port of 127.0.0.1. It refuses root, so root starts it as `postgres`. */
export async function startPostgres({ settings = {}, tls }: PostgresOptions = {}): Promise<Postgres> {
  const folder = temporaryFolder('postgres')
  const data = folder.file('data')
  const owned = (path: string) => {
    if (isRoot()) chownSync(path, ...accountOfPostgres())
  }
  const keep = (name: string, content: string) => {
    writeFileSync(folder.file(name), content, { mode: 0o600 })
    owned(folder.file(name))
    return folder.file(name)
  }
  mkdirSync(data)
  owned(data)
  const passwordFile = keep('password', PASSWORD)
  const initial = ['--pgdata', data, '--username=postgres', '--auth=scram-sha-256', '--pwfile', passwordFile]
  const [initdb, words] = asPostgres('initdb', [...initial, ...LANGUAGE])
  await outputOf(thisMachine, initdb, words)
  chmodSync(data, 0o700)

  const port = await freePort()
  const files = tls && {
    ssl: 'on',
    ssl_cert_file: keep('server.pem', tls.certificate),
    ssl_key_file: keep('server.key', tls.key),
  }
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'on',
    shared_buffers: '32MB',
    ...files,
    ...settings,
  }
  const [program, args] = asPostgres('postgres', [
    '-D',
    data,
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])

  let server: RealProcess
  const start = async () => {
    server = thisMachine.start(program, args)
    await server.waitForOutput(/ready to accept connections/, 20_000)
  }
  const family = () => [server.pid, ...childrenOf(server.pid)]
  const ask: Postgres['ask'] = async (sql, database = 'postgres') => {
    const client = new Client({ ...superuser(port), database })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  await start()
  await ask(`create role ocbroker login password '${PASSWORD}'`)
  let made = 0
  return {
    port,
    newDatabase: async () => {
      made++
      await ask(`create database records${made} owner ocbroker`)
      return `postgres://ocbroker:${PASSWORD}@127.0.0.1:${port}/records${made}`
    },
    ask,
    kill: async () => {
      const pids = family()
      for (const pid of pids) signalTo(pid, 'SIGKILL')
      await server.stop({ signal: 'SIGKILL' })
      while (pids.some((pid) => isAlive(pid))) await sleep(5)
    },
    restart: start,
    hang: () => {
      for (const pid of family()) signalTo(pid, 'SIGSTOP')
    },
    resume: () => {
      for (const pid of family()) signalTo(pid, 'SIGCONT')
    },
    stop: async () => {
      for (const pid of family()) signalTo(pid, 'SIGCONT')
      // Fast shutdown: it does not wait for its clients.
      await server.stop({ signal: 'SIGINT', within: 10_000 })
      await folder.remove()
    },
  }
}

function superuser(port: number) {
  return { host: '127.0.0.1', port, user: 'postgres', password: PASSWORD }
}

function asPostgres(name: string, args: readonly string[]): [program: string, args: readonly string[]] {
  const program = postgresProgram(name)
  if (!isRoot()) return [program, args]
  // It takes the place of setpriv, and its process identifier.
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', program, ...args]]
}

function accountOfPostgres(): [user: number, group: number] {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((account) => account.startsWith('postgres:'))
  const [, , user, group] = line?.split(':') ?? []
  if (user === undefined || group === undefined) throw new Error('this machine has no user postgres')
  return [Number(user), Number(group)]
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && parentOf(pid) === parent)
}

/** Each child makes a session of its own, so signals to the server's group do not reach it. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1])
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0] !== 'Z'
  } catch {
    return false
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
