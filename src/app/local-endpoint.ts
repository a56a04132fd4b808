import type { Config } from '../config/schema.ts'
import { OperatorError } from '../domain/errors.ts'
import type { Gateway } from '../domain/gateway.ts'
import { longestMatch, parseAddress } from '../domain/network.ts'

/** Where this machine reaches the broker of a configuration. */
export function serverOf(
  { radius }: Config,
  service: 'auth' | 'acct',
): { readonly address: string; readonly port: number } {
  const [address = '127.0.0.1'] = radius.addresses
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return { address: reachable, port: service === 'auth' ? radius.authPort : radius.acctPort }
}

/**
 * Which gateway this machine is. The broker sees it under the address that it is asked at.
 * @throws OperatorError if it is none.
 */
export function gatewayOf({ gateways }: Config, address: string): Gateway {
  const networks = gateways.flatMap((gateway) => gateway.networks.map((network) => ({ network, gateway })))
  const parsed = parseAddress(address)
  const found = parsed === undefined ? undefined : longestMatch(networks, parsed)
  if (found !== undefined) return found.gateway
  throw new OperatorError(`no gateway of the configuration holds ${address}, so this machine may not ask`)
}
