import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask } from '../test/http/ask.ts'
import type { TemporaryFolder } from '../test/real/folder.ts'
import { freePort } from '../test/real/free-port.ts'
import { startPostgres } from '../test/real/postgres.ts'
import { outputOf, thisMachine } from '../test/real/process.ts'
import { configurationOf, startBroker } from './broker-server.ts'
import type { Context } from './case.ts'
import { type CodeMode, GRANTED, type Server } from './server.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const READY_WITHIN_MS = 20_000
/** A million events take a minute. */
const COPIED_WITHIN_MS = 600_000

export interface HttpBroker {
  /** Without a slash at its end. */
  readonly url: string
  readonly server: Server
  /** Makes a token of the API. */
  token(...scopes: readonly string[]): Promise<string>
}

export interface HttpBrokerOptions {
  /** The name of the store that has the users. */
  readonly store: string
  /** Puts more into its file before the broker starts. */
  readonly fill?: (database: DatabaseSync) => void
  /** Moves all records to a PostgreSQL before the broker starts. */
  readonly onPostgres?: boolean
  /** Default: `append`. */
  readonly mode?: CodeMode
}

/** A broker with its pages and its API, ended with the case. Its users have the role of the desk. */
export async function startHttpBroker(
  around: Context,
  { store, fill, onPostgres = false, mode = 'append' }: HttpBrokerOptions,
): Promise<HttpBroker> {
  const { users, profiles } = around
  const folder = await around.store(store, { from: 0, to: users, local: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const roles = `{ desk: [${GRANTED.group}] }`
  const more = `
http: { port: ${port}, limits: { address: 1000000/1m, token: 1000000/1m }, roles: ${roles} }
portal: { public_url: ${url} }
`
  const config = await configurationOf({ folder, more })
  const database = new DatabaseSync(config.storage.sqlite)
  fill?.(database)
  database.close()
  const storage = onPostgres ? await movedToPostgres(around, folder) : undefined
  const server = await startBroker({ folder, mode, users, profiles, storage, more })
  around.defer(() => server.stop())
  await untilReady(url)
  const configuration = folder.file('challenge-0.yaml')
  return {
    url,
    server,
    token: async (...scopes) => {
      const words = ['token', 'create', '--name', `bench-${port}`, '--json', '--config', configuration]
      const output = await ocbroker(...words, ...scopes.flatMap((scope) => ['--scope', scope]))
      return JSON.parse(output).token
    },
  }
}

/** @returns what the section `storage` is then. */
async function movedToPostgres(around: Context, folder: TemporaryFolder): Promise<string> {
  around.progress('moving all records to a PostgreSQL')
  const postgres = await startPostgres({ settings: { shared_buffers: '512MB' } })
  around.defer(() => postgres.stop())
  writeFileSync(folder.file('url'), await postgres.newDatabase(), { mode: 0o600 })
  const storage = 'postgres: { url_file: url }, key_file: data/seed.key'
  const from = folder.file('challenge-0.yaml')
  const to = folder.file('there.yaml')
  const there = readFileSync(from, 'utf8').replace(/^storage: .*$/m, `storage: { ${storage} }`)
  writeFileSync(to, there, { mode: 0o600 })
  await ocbroker('storage', 'copy', '--config', from, '--to', to)
  return storage
}

function ocbroker(...words: readonly string[]): Promise<string> {
  return outputOf(thisMachine, process.execPath, [MAIN, ...words], { within: COPIED_WITHIN_MS })
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const status = await ask(`${url}/healthz`)
      .then((answer) => answer.status)
      .catch(() => 0)
    if (status === 200) return
    if (performance.now() > deadline) throw new Error(`${url} answers nothing (${status})`)
    await sleep(50)
  }
}
