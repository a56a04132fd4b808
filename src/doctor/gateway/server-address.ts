import { type Finding, fault, notApplicable, ok, warning } from '../finding.ts'
import { type GatewayCheck, NO_EXPECTATION, NO_RADIUS } from './gateway-check.ts'
import type { GatewayHost, Service } from './gateway-host.ts'
import type { RadcliServer } from './radiusclient-conf.ts'

const KEYS: Readonly<Record<Service, string>> = { auth: 'authserver', acct: 'acctserver' }

/** Whether the servers of radiusclient.conf are the broker's. */
export const checkServerAddress: GatewayCheck = async (host) => {
  const services = ['auth', 'acct'] as const
  const findings = (await Promise.all(services.map((service) => lookAt(host, service)))).flat()
  return findings.length > 0 ? findings : [notApplicable('authserver', NO_RADIUS)]
}

async function lookAt(host: GatewayHost, service: Service): Promise<readonly Finding[]> {
  const radcli = await host.radcli(service).catch(() => undefined)
  const [server, ...others] = (service === 'auth' ? radcli?.authServers : radcli?.acctServers) ?? []
  if (radcli === undefined || server === undefined) return []
  const about = `${KEYS[service]} in ${radcli.file}`
  const fault = await faultIn(host, service, server, about)
  if (fault !== undefined) return [fault]
  const useless = others.find(({ host: name }) => !/^[A-Za-z0-9:]/.test(name))
  if (useless !== undefined)
    return [
      warning(
        about,
        `each word counts as a server that is asked after the time-out of those before: "${useless.host}"`,
        'end the line behind the servers; a comment needs a line of its own, which begins with #',
      ),
    ]
  if ((await host.probe(service)) !== 'answers' && host.expectation === undefined)
    return [notApplicable(about, NO_EXPECTATION)]
  return [ok(about, `is ${server.host} port ${host.portOf(service, server)}`)]
}

async function faultIn(
  host: GatewayHost,
  service: Service,
  server: RadcliServer,
  about: string,
): Promise<Finding | undefined> {
  const probe = await host.probe(service)
  // It may have another address here than at the broker.
  if (probe === 'answers') return undefined
  const port = host.portOf(service, server)
  const { broker } = host.expectation ?? {}
  const expected = broker && (service === 'auth' ? broker.authPort : broker.acctPort)
  const [known] = broker?.servers ?? []
  const name = known ?? server.host
  const remedy = `${KEYS[service]} ${name.includes(':') ? `[${name}]` : name}:${expected ?? (service === 'auth' ? 1812 : 1813)}`
  if (probe === 'swapped')
    return fault(about, `port ${port} is the broker’s port for the other kind of request`, remedy)
  const addresses = await host.addressesOf(server.host)
  if (addresses.length === 0) return fault(about, `"${server.host}" has no address`, remedy)
  if (broker === undefined) return undefined
  const own = (await Promise.all(broker.servers.map((each) => host.addressesOf(each)))).flat()
  if (!addresses.some((address) => own.includes(address)))
    return fault(about, `${server.host} is not the broker, which has ${broker.servers.join(', ')}`, remedy)
  if (port !== expected) return fault(about, `port ${port} is not the broker’s, which is ${expected}`, remedy)
  return undefined
}
