import { gatewayOf, serverOf } from '../app/local-endpoint.ts'
import { runningBroker } from '../app/spool-folder.ts'
import type { Config } from '../config/schema.ts'
import { type Check, type Finding, fault, ok } from '../doctor/finding.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { encodeAttribute } from '../radius/dictionary.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import { holderOfPort, inodesOfPort } from '../transport/port-holder.ts'
import { askForStatus } from './radius-client.ts'

const SERVICES = [
  ['auth', 'authentication port'],
  ['acct', 'accounting port'],
] as const
const START_IT = 'start it: systemctl start ocbroker; or in this terminal: ocbroker serve'

/** Whether a broker of this configuration answers on this machine. @param withinMs for each port. */
export function checkRunning(config: Config, withinMs: number): Check {
  return () => Promise.all(SERVICES.map(([service, about]) => lookAt(config, service, about, withinMs)))
}

async function lookAt(
  config: Config,
  service: 'auth' | 'acct',
  about: string,
  withinMs: number,
): Promise<Finding> {
  const server = serverOf(config, service)
  const gateway = gatewayOf(config, server.address)
  if (gateway === undefined) return unasked(config, server.port, about)
  const { secret, nasIdentifiers } = gateway
  const named = nasIdentifiers.slice(0, 1).map((name) => encodeAttribute('NAS-Identifier', name))
  try {
    await askForStatus({ server, secret: new SharedSecret(secret.bytes()) }, named, withinMs)
    return ok(about, 'answers')
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return fault(about, `${messageOf(error)}${await heldBy(server.port)}`, remedyFor(config))
  }
}

/** This machine is no gateway, so a broker would drop whatever it sends. */
async function unasked(config: Config, port: number, about: string): Promise<Finding> {
  const pid = runningBroker(config.storage.spool)
  if (pid === undefined)
    return fault(about, `no broker of this configuration runs${await heldBy(port)}`, START_IT)
  if (inodesOfPort('udp', port).size === 0)
    return fault(about, `nobody has port ${port}`, 'ocbroker reload, and look into the log')
  return ok(about, `the broker runs (pid ${pid}); no gateway is on this machine, so it was not asked`)
}

async function heldBy(port: number): Promise<string> {
  const holder = await holderOfPort('udp', port)
  return holder === undefined ? '' : `; ${holder.command} (pid ${holder.pid}) holds the port`
}

function remedyFor({ storage }: Config): string {
  const pid = runningBroker(storage.spool)
  return pid === undefined ? START_IT : `restart it: systemctl restart ocbroker (pid ${pid})`
}
