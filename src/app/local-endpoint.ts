import type { Config } from '../config/schema.ts'
import type { Gateway } from '../domain/gateway.ts'
import { longestMatch, parseAddress } from '../domain/network.ts'
import type { Secret } from '../domain/secret.ts'

/** Where this machine reaches the broker of a configuration. */
export function serverOf(
  { radius }: Config,
  service: 'auth' | 'acct',
): { readonly address: string; readonly port: number } {
  const [address = '127.0.0.1'] = radius.addresses
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return { address: reachable, port: service === 'auth' ? radius.authPort : radius.acctPort }
}

/** A gateway with a shared secret. */
type UdpGateway = Gateway & { readonly secret: Secret }

function isHeardOverUdp(gateway: Gateway): gateway is UdpGateway {
  return gateway.secret !== undefined
}

/**
 * Which gateway this machine is, over UDP. The broker sees it under the address that it is asked at.
 * @returns undefined if it is none.
 */
export function gatewayOf({ gateways }: Config, address: string): UdpGateway | undefined {
  const networks = gateways
    .filter(isHeardOverUdp)
    .flatMap((gateway) => gateway.networks.map((network) => ({ network, gateway })))
  const parsed = parseAddress(address)
  return parsed === undefined ? undefined : longestMatch(networks, parsed)?.gateway
}
