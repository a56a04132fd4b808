import type { Log } from '../domain/log.ts'
import type { Broker } from './broker.ts'
import { withConfig } from './own-calls.ts'
import { feedWatchdog, tellServiceManager } from './service-manager.ts'

/** Says on standard error and in the log where the broker listens. @param firstSteps for a broker without users. */
export function announce(
  { listening }: Pick<Broker, 'listening'>,
  log: Log,
  firstSteps: string | undefined,
): void {
  log.info('broker.listening', { listening })
  for (const { service, address, port } of listening) {
    const where = `${address.includes(':') ? `[${address}]` : address}:${port}`
    process.stderr.write(`${SERVICES[service]} ${where}${PROTOCOLS[service]}\n`)
  }
  if (firstSteps !== undefined) process.stderr.write(firstSteps)
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
  tls: 'RadSec (RADIUS over TLS) on',
  http: 'Portal, desk and API (HTTP) on',
} as const

const PROTOCOLS = { auth: '/udp', acct: '/udp', tls: '/tcp', http: '' } as const

/** What to type where there are no users yet. */
export function firstSteps(configFile: string): string {
  const call = (verb: string) => withConfig(`ocbroker ${verb}`, configFile)
  return `
There are no users yet. In another terminal, add one (it asks for a password), give her an authenticator (scan the QR
code), and log in as ocserv would:
  ${call('user add')} alice --group staff
  ${call('totp enrol')} alice
  ${call('login')} alice
`
}
