import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Installation } from './broker.ts'
import { temporaryFolder } from './folder.ts'
import type { Ocserv } from './ocserv.ts'
import { type Place, type RealProcess, waitForSocket } from './process.ts'

/** Beside those of a tunnel. */
export const AGENT_NEEDS: readonly string[] = ['systemd-socket-activate', 'setpriv', 'stdbuf']

export interface RunningAgent {
  readonly process: RealProcess
  /** Its token, for those who steal it. */
  readonly token: string
  /** Ends it by SIGKILL and starts it again. */
  killAndStart(): Promise<void>
  /** Ends it by SIGKILL. @returns what starts it again. */
  kill(): Promise<() => Promise<void>>
  stop(): Promise<void>
}

interface AgentOptions {
  readonly place: Place
  readonly broker: Pick<Installation, 'ocbroker'>
  /** Where the broker answers HTTP. */
  readonly url: string
  readonly ocserv: Pick<Ocserv, 'file'>
  /** The authority of the broker's certificate, where it is not one that the machine knows. */
  readonly caFile?: string
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const SOCKET_PROXY = '/usr/lib/systemd/systemd-socket-proxyd'
/** An account that owns nothing. */
const NOBODY = 65_534
/** The project may lie in a folder of root's. It opens no socket. */
const MAY_READ = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']

/** The agent as its units run it: an account without rights, and a socket for its group that a program of root's passes on. */
export async function startAgent({
  place,
  broker,
  url,
  ocserv,
  caFile,
}: AgentOptions): Promise<RunningAgent> {
  const folder = temporaryFolder('agent')
  const socket = folder.file('own.socket')
  const tokenFile = folder.file('token')
  const made = await broker.ocbroker(['token', 'create', '--name', 'agent-gw', '--scope', 'gateway:gw'])
  const { token } = made as { token: string }
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const proxy = place.start('systemd-socket-activate', [
    '-l',
    socket,
    SOCKET_PROXY,
    ocserv.file('occtl.socket'),
  ])
  await proxy.waitForOutput(/Listening on/)
  await waitForSocket(socket)
  chownSync(socket, 0, NOBODY)
  chmodSync(socket, 0o660)
  const words = ['--broker', url, '--gateway', 'gw', '--token-file', tokenFile, '--socket', socket]
  if (caFile !== undefined) words.push('--ca-file', caFile)
  const account = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', ...MAY_READ]
  const start = async () => {
    const started = place.start('setpriv', [...account, '--', process.execPath, MAIN, 'agent', ...words])
    await started.waitForOutput(/"event":"agent\.connected"/, 30_000)
    return started
  }
  let agent = await start()
  const kill = async () => {
    await agent.stop({ signal: 'SIGKILL' })
    return async () => {
      agent = await start()
    }
  }
  return {
    get process() {
      return agent
    },
    token,
    kill,
    killAndStart: async () => (await kill())(),
    stop: async () => {
      await agent.stop()
      await proxy.stop()
      await folder.remove()
    },
  }
}
