import ipaddr from 'ipaddr.js'
import { contains, type Network, parseNetwork } from '../../domain/network.ts'
import type { GatewayHost } from './gateway-host.ts'
import type { OcservSettings } from './ocserv-conf.ts'
import { jsonOf } from './programs.ts'

/** A network with what it is for. */
export interface NamedNetwork {
  readonly network: Network
  readonly what: string
}

/** The networks from which ocserv itself gives addresses, by `ipv4-network` with or without `ipv4-netmask`. */
export async function ocservNetworks(host: GatewayHost): Promise<readonly NamedNetwork[]> {
  const { main, vhosts } = await host.conf()
  return [main, ...vhosts].flatMap((settings) => {
    const network = networkOf(settings)
    const of = settings.vhost === undefined ? '' : ` of [vhost:${settings.vhost}]`
    return network === undefined ? [] : { network, what: `ipv4-network${of}` }
  })
}

function networkOf(settings: OcservSettings): Network | undefined {
  const text = settings.last('ipv4-network')?.split(/\s/)[0]
  if (text === undefined || text.includes('/')) return text === undefined ? undefined : parseNetwork(text)
  const mask = settings.last('ipv4-netmask')?.split(/\s/)[0] ?? ''
  if (!ipaddr.IPv4.isValidFourPartDecimal(mask)) return undefined
  const prefix = ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask()
  return prefix === null ? undefined : parseNetwork(`${text}/${prefix}`)
}

export function pools({ expectation }: GatewayHost): readonly NamedNetwork[] {
  return (expectation?.pools ?? []).flatMap(({ name, network: text }) => {
    const network = parseNetwork(text)
    return network === undefined ? [] : { network, what: `pool ${name}` }
  })
}

/** Every address that a client of this gateway may have. */
export async function clientNetworks(host: GatewayHost): Promise<readonly NamedNetwork[]> {
  return [...pools(host), ...(await ocservNetworks(host))]
}

export function overlap(one: Network, other: Network): boolean {
  return contains(one, other.base) || contains(other, one.base)
}

/** Networks of this host and routes through it, without those of the tunnels and the default route. */
export async function hostNetworks(host: GatewayHost): Promise<readonly NamedNetwork[] | undefined> {
  const device = (await host.conf()).main.last('device') ?? 'vpns'
  const isTunnel = (name: unknown) => typeof name === 'string' && name.startsWith(device)
  const [links, routes] = await Promise.all([jsonOf('ip', ['-j', 'addr']), jsonOf('ip', ['-j', 'route'])])
  if (!Array.isArray(links) || !Array.isArray(routes)) return undefined
  const own = (links as Link[])
    .filter(({ ifname }) => !isTunnel(ifname))
    .flatMap((link) =>
      (link.addr_info ?? []).flatMap(({ local, prefixlen }) => {
        const network = parseNetwork(`${local}/${prefixlen}`)
        return network === undefined ? [] : { network, what: `${local}/${prefixlen} of ${link.ifname}` }
      }),
    )
  const through = (routes as Route[]).flatMap(({ dst, dev, type }) => {
    const network = dst === undefined || dst === 'default' ? undefined : parseNetwork(dst)
    // A pool that is led nowhere but into its tunnels is right.
    if (network === undefined || isTunnel(dev) || type === 'blackhole' || type === 'unreachable') return []
    return { network, what: `the route to ${dst}` }
  })
  return [...own, ...through]
}

interface Link {
  readonly ifname?: string
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

interface Route {
  readonly dst?: string
  readonly dev?: string
  readonly type?: string
}
