import type { Command } from 'commander'
import { type Broker, type Store, startBroker } from '../broker.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import type { Log } from '../domain/log.ts'
import { PortNotOpen } from '../http/server.ts'
import { jsonLog } from '../observe/log.ts'
import { LogNotWritable } from '../observe/log-sink.ts'
import { PortTaken } from '../transport/udp-listener.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, openStoreOrComplain, verb } from './office.ts'
import { replyRules } from './reply-rules.ts'

export function serveCommand(): Command {
  return verb('serve', 'run the broker until SIGTERM or SIGINT').action(serve)
}

async function serve({ config: file }: CommonOptions): Promise<void> {
  const loaded = await loadConfig(file, process.env, replyRules)
  if (loaded.warnings.length > 0) process.stderr.write(describeFaults(file, loaded.warnings, 'warning'))
  if ('faults' in loaded) throw new Complaint(describeFaults(file, loaded.faults))
  const { config } = loaded
  // From here on: whoever is told to stop while starting stops as well as later.
  const stop = toldToStop()
  const log = openLog(config)
  const store = await openStoreOrComplain(config, log, 'serving')
  try {
    await askIdentities(store, log)
    const broker = await startBroker(config, store, log).catch((error: unknown) => {
      throw error instanceof PortTaken || error instanceof PortNotOpen
        ? new Complaint(error.message, { cause: error })
        : error
    })
    const isEmpty = (await store.records.users.list({ limit: 1 })).length === 0
    announce(broker, log, isEmpty)
    await stop
    process.stderr.write('Stopping: answering what is in flight.\n')
    await broker.stop()
    log.info('broker.stopped')
  } finally {
    await store.close()
  }
}

function openLog(config: Config): Log {
  try {
    return jsonLog(config.log)
  } catch (error) {
    throw error instanceof LogNotWritable ? new Complaint(error.message, { cause: error }) : error
  }
}

/** How long the identity stores may take to show that they are there, in milliseconds. */
const READY_WITHIN_MS = 5000

/** @throws Complaint naming each store that must be there and is not, with its server and the cause. */
async function askIdentities(store: Store, log: Log): Promise<void> {
  const faults = await store.findIdentityFaults(READY_WITHIN_MS)
  for (const { store: name, cause } of faults) log.error('identity.unavailable', { identity: name, cause })
  const fatal = faults.filter(({ required }) => required)
  if (fatal.length === 0) return
  const lines = fatal.map(({ cause }) => cause)
  throw new Complaint(
    [...lines, 'With identity.NAME.required: false the broker starts all the same.'].join('\n'),
  )
}

function announce({ listening }: Broker, log: Log, isEmpty: boolean): void {
  log.info('broker.listening', { listening })
  for (const { service, address, port } of listening) {
    const where = `${address.includes(':') ? `[${address}]` : address}:${port}`
    process.stderr.write(`${SERVICES[service]} ${where}${service === 'http' ? '' : '/udp'}\n`)
  }
  if (isEmpty) process.stderr.write(FIRST_STEPS)
}

const SERVICES = {
  auth: 'Authentication (RADIUS) on',
  acct: 'Accounting (RADIUS) on',
  http: 'Portal, desk and API (HTTP) on',
} as const

const FIRST_STEPS = `
There are no users yet. In another terminal:
  npx ocbroker user add alice --group staff     add a user; asks for a password
  npx ocbroker totp enrol alice                 give her an authenticator: scan the QR code
  npx ocbroker login alice                      log in as ocserv would, and see the reply
`

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}
