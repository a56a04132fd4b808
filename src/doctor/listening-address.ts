import type { Gateway } from '../domain/gateway.ts'
import { contains, isWithin, LOOPBACK, type Network } from '../domain/network.ts'
import { type Check, ok, warning } from './finding.ts'

/** Whether requests of gateways on other machines arrive. @param addresses at which the broker listens for RADIUS. */
export function checkListeningAddress(
  addresses: readonly string[],
  gateways: readonly Pick<Gateway, 'name' | 'networks' | 'hosts'>[],
): Check {
  return async () => {
    const about = `radius.address ${addresses.join(', ')}`
    const remote = gateways.filter(({ networks, hosts }) => hosts.length === 0 && networks.every(isElsewhere))
    if (remote.length === 0 || !addresses.every((each) => isWithin(LOOPBACK, each)))
      return [ok(about, 'is where gateways can ask')]
    const names = remote.map(({ name }) => name).join(', ')
    return [
      warning(
        about,
        `is this machine alone: no request of ${remote.length === 1 ? 'gateway' : 'gateways'} ${names} arrives`,
        'radius: { address: 0.0.0.0 }, or the address that the gateways are to ask',
      ),
    ]
  }
}

function isElsewhere(network: Network): boolean {
  return !LOOPBACK.some((own) => contains(own, network.base) || contains(network, own.base))
}
