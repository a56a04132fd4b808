import type { Log } from '../domain/log.ts'
import type { Broker } from './broker.ts'
import { feedWatchdog, tellServiceManager } from './service-manager.ts'

/** Says on standard error and in the log where the broker listens. @param isEmpty whether there are no users yet. */
export function announce({ listening }: Pick<Broker, 'listening'>, log: Log, isEmpty: boolean): void {
  log.info('broker.listening', { listening })
  for (const { service, address, port } of listening) {
    const where = `${address.includes(':') ? `[${address}]` : address}:${port}`
    process.stderr.write(`${SERVICES[service]} ${where}${service === 'http' ? '' : '/udp'}\n`)
  }
  if (isEmpty) process.stderr.write(FIRST_STEPS)
  tellServiceManager('READY=1', log)
  feedWatchdog(log)
}

export function announceStop(log: Log): void {
  process.stderr.write('Stopping: answering what is in flight.\n')
  tellServiceManager('STOPPING=1', log)
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
