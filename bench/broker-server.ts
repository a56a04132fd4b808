import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { replyRules } from '../src/cli/reply-rules.ts'
import { loadConfig } from '../src/config/load.ts'
import type { Config } from '../src/config/shape.ts'
import type { TemporaryFolder } from '../test/real/folder.ts'
import { freePort } from '../test/real/free-port.ts'
import { thisMachine } from '../test/real/process.ts'
import { DIGITS, PERIOD } from './population.ts'
import { type CodeMode, GRANTED, type Server, SHARED_SECRET } from './server.ts'

export interface BrokerOptions {
  readonly folder: TemporaryFolder
  readonly mode: CodeMode
  /** Where Node is to leave its processor profiles; absent: none are made. */
  readonly profiles?: string
}

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const START_WITHIN_MS = 30_000
/** Profiles are written at the end. */
const STOP_WITHIN_MS = 20_000

/** The broker as an operator starts it: the command `serve`, records on the disk, each login in the log. */
export async function startBroker({ folder, mode, profiles }: BrokerOptions): Promise<Server> {
  const authPort = await freePort()
  const acctPort = await freePort()
  const file = writeConfiguration(folder, { mode, authPort, acctPort })
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const broker = thisMachine.start(process.execPath, [...profiling, MAIN, 'serve', '--config', file])
  const stop = () => broker.stop({ within: STOP_WITHIN_MS })
  try {
    await broker.waitForOutput(/Accounting \(RADIUS\) on/, START_WITHIN_MS)
  } catch (error) {
    await stop()
    throw error
  }
  const target = {
    name: 'ocbroker',
    authPort,
    acctPort,
    secret: SHARED_SECRET,
    signsFirst: true,
    spendsCodes: true,
  }
  return { pid: broker.pid, target, stop }
}

/** The configuration by which the store is filled, before anything is started on it. */
export async function configurationOf(folder: TemporaryFolder): Promise<Config> {
  const file = writeConfiguration(folder, { mode: 'challenge', authPort: 0, acctPort: 0 })
  const loaded = await loadConfig(file, {}, replyRules)
  if ('faults' in loaded) {
    throw new Error(loaded.faults.map(({ path, problem }) => `${path} ${problem}`).join('\n'))
  }
  return loaded.config
}

interface Settings {
  readonly mode: CodeMode
  readonly authPort: number
  readonly acctPort: number
}

function writeConfiguration(folder: TemporaryFolder, settings: Settings): string {
  mkdirSync(folder.file('data'), { recursive: true })
  const file = folder.file(`${settings.mode}.yaml`)
  writeFileSync(file, configuration(settings), { mode: 0o640 })
  return file
}

/** Limits so wide that no load reaches them: what a refusal costs is another question. */
function configuration({ mode, authPort, acctPort }: Settings): string {
  const { routes, dns, group, sessionTimeout, interim } = GRANTED
  return `
radius: { address: 127.0.0.1, auth_port: ${authPort}, acct_port: ${acctPort}, max_in_flight: 100000 }
gateways:
  - { name: bench, address: 127.0.0.1/32, secret: ${SHARED_SECRET} }
second_factor: { mode: ${mode}, totp: { digits: ${DIGITS}, period: ${PERIOD}s, window: 1 } }
limits: { user: 1000000/1s, address: 1000000/1s, gateway: 1000000/1s }
policies:
  - name: everyone
    reply:
      routes: [${routes.join(', ')}]
      dns: [${dns.join(', ')}]
      groups: [${group}]
      session_timeout: ${sessionTimeout}s
      interim: ${interim}s
storage: { sqlite: data/broker.db, key_file: data/seed.key }
log: { level: info, file: broker.log }
`
}
