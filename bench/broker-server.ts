import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { replyRules } from '../src/app/reply-rules.ts'
import { loadConfig } from '../src/config/load.ts'
import type { Config } from '../src/config/schema.ts'
import type { TemporaryFolder } from '../test/real/folder.ts'
import { freePort } from '../test/real/free-port.ts'
import { thisMachine } from '../test/real/process.ts'
import { type CodeMode, GRANTED, type Server, SHARED_SECRET } from './server.ts'
import { DIGITS, PERIOD } from './users.ts'

export interface BrokerOptions {
  /** For the configuration, the log, the keys and, without another storage, the records. */
  readonly folder: TemporaryFolder
  readonly mode: CodeMode
  /** How many users the records hold. */
  readonly users: number
  /** Brokers on the same records have the same name, since a code that one of them took is spent for all. */
  readonly records?: string
  /** Where Node is to leave its processor profiles; absent: none are made. */
  readonly profiles?: string
  /** Keys of the section `radius`, beside its addresses. */
  readonly radius?: string
  /** In place of the limits that no load reaches. */
  readonly limits?: string
  /** Instead of a file of its own: keys of the section `storage`. */
  readonly storage?: string
  /** More sections. */
  readonly more?: string
}

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const START_WITHIN_MS = 30_000
/** Profiles are written at the end. */
const STOP_WITHIN_MS = 20_000
/** Limits so wide that no load reaches them: what a refusal costs is another question. */
const NO_LIMITS = '{ user: 1000000/1s, address: 1000000/1s, gateway: 1000000/1s }'

/** The broker as an operator starts it: the command `serve`, records on the disk, each login in the log. */
export async function startBroker(options: BrokerOptions): Promise<Server> {
  const { profiles, users } = options
  const authPort = await freePort()
  const acctPort = await freePort()
  const file = writeConfiguration({ ...options, authPort, acctPort })
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
    name: options.records ?? options.folder.path,
    authPort,
    acctPort,
    secret: SHARED_SECRET,
    signsFirst: true,
    spendsCodes: options.mode !== 'none',
    users,
  }
  return { pids: [broker.pid], targets: [target], stop }
}

/** The configuration by which the store is filled, before anything is started on it. */
export async function configurationOf(
  options: Pick<BrokerOptions, 'folder' | 'storage'> & Partial<BrokerOptions>,
): Promise<Config> {
  const file = writeConfiguration({ mode: 'challenge', users: 0, ...options, authPort: 0, acctPort: 0 })
  const loaded = await loadConfig(file, {}, replyRules)
  if ('faults' in loaded) {
    throw new Error(loaded.faults.map(({ path, problem }) => `${path} ${problem}`).join('\n'))
  }
  return loaded.config
}

type Settings = BrokerOptions & { readonly authPort: number; readonly acctPort: number }

function writeConfiguration(settings: Settings): string {
  const { folder, mode, authPort } = settings
  mkdirSync(folder.file('data'), { recursive: true })
  const file = folder.file(`${mode}-${authPort}.yaml`)
  writeFileSync(file, configuration(settings), { mode: 0o640 })
  return file
}

function configuration(settings: Settings): string {
  const { mode, authPort, acctPort, radius, limits = NO_LIMITS, more = '' } = settings
  const { storage = 'sqlite: data/broker.db, key_file: data/seed.key' } = settings
  const { routes, dns, group, sessionTimeout, interim } = GRANTED
  const ports = `address: 127.0.0.1, auth_port: ${authPort}, acct_port: ${acctPort}`
  const code = mode === 'none' ? 'required: false, mode: append' : `mode: ${mode}`
  return `
radius: { ${ports}, max_in_flight: 100000${radius === undefined ? '' : `, ${radius}`} }
gateways:
  - { name: bench, address: 127.0.0.1/32, secret: ${SHARED_SECRET} }
second_factor: { ${code}, totp: { digits: ${DIGITS}, period: ${PERIOD}s, window: 1 } }
limits: ${limits}
policies:
  - name: everyone
    reply:
      routes: [${routes.join(', ')}]
      dns: [${dns.join(', ')}]
      groups: [${group}]
      session_timeout: ${sessionTimeout}s
      interim: ${interim}s
storage: { ${storage}, spool: data/accounting-${authPort} }
log: { level: info, file: broker-${authPort}.log }
${more}
`
}
