import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask } from '../test/http/ask.ts'
import { freePort } from '../test/real/free-port.ts'
import { outputOf, thisMachine } from '../test/real/process.ts'
import { configurationOf, startBroker } from './broker-server.ts'
import type { Context } from './case.ts'
import type { Server } from './server.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const READY_WITHIN_MS = 20_000

export interface HttpBroker {
  /** Without a slash at its end. */
  readonly url: string
  readonly server: Server
  /** Makes a token of the API. */
  token(...scopes: readonly string[]): Promise<string>
}

/**
 * A broker with its pages and its API, ended with the case.
 * @param store that has the users. @param fill puts more into its file before the broker starts.
 */
export async function startHttpBroker(
  around: Context,
  store: string,
  fill: (database: DatabaseSync) => void = () => {},
): Promise<HttpBroker> {
  const { users, profiles } = around
  const folder = await around.store(store, { from: 0, to: users, local: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const more = `
http: { port: ${port}, limits: { address: 1000000/1m, token: 1000000/1m } }
portal: { public_url: ${url} }
`
  const config = await configurationOf({ folder, more })
  const database = new DatabaseSync(config.storage.sqlite)
  fill(database)
  database.close()
  const server = await startBroker({ folder, mode: 'append', users, profiles, more })
  around.defer(() => server.stop())
  await untilReady(url)
  const configuration = folder.file('challenge-0.yaml')
  return {
    url,
    server,
    token: async (...scopes) => {
      const words = ['token', 'create', '--name', `bench-${port}`, '--json', '--config', configuration]
      const output = await outputOf(thisMachine, process.execPath, [
        MAIN,
        ...words,
        ...scopes.flatMap((scope) => ['--scope', scope]),
      ])
      return JSON.parse(output).token
    },
  }
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
