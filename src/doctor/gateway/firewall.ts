import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { type Finding, fault, hint, notApplicable, ok } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'
import type { GatewayHost } from './gateway-host.ts'
import { droppedAt, isTranslated, type Ruleset, readRuleset } from './nft-rules.ts'
import { clientNetworks, type NamedNetwork } from './own-networks.ts'
import { jsonOf } from './programs.ts'

const NO_NFT = '`nft -j list ruleset` does not say; run this as root'

/** Whether the system passes packets on between tunnels and networks. */
export const checkForwarding: GatewayCheck = async (host) => {
  const about = 'forwarding'
  const setting = async (path: string) => (await readFile(`/proc/sys/${path}`, 'utf8').catch(() => '')).trim()
  if ((await setting('net/ipv4/ip_forward')) === '0')
    return [
      fault(
        about,
        'is off: clients have a tunnel and reach nothing',
        'sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d/',
      ),
    ]
  const hasIpv6 = (await host.conf()).main.last('ipv6-network') !== undefined
  if (hasIpv6 && (await setting('net/ipv6/conf/all/forwarding')) === '0')
    return [
      fault(
        about,
        'is off for IPv6: clients have an address and reach nothing',
        'sysctl -w net.ipv6.conf.all.forwarding=1, and the same in /etc/sysctl.d/',
      ),
    ]
  return [ok(about, 'is on')]
}

/** Whether clients' addresses are translated, or must be routed back here. */
export const checkNat: GatewayCheck = async (host) => {
  const about = 'address translation'
  const [ruleset, clients] = await Promise.all([rulesetHere(), ipv4Networks(host)])
  if (ruleset === undefined) return [notApplicable(about, NO_NFT)]
  const bare = clients.filter(({ network }) => !isTranslated(ruleset, { saddr: someAddress(network) }))
  if (bare.length === 0) return [ok(about, 'covers what clients get')]
  const networks = bare.map(({ network }) => network.text).join(', ')
  return [
    hint(
      about,
      `there is none for ${networks}: other networks need a route there by way of this host`,
      `a route to ${networks} by way of this host, or: nft add rule ip nat postrouting ip saddr ${bare[0]?.network.text} masquerade`,
    ),
  ]
}

/** Whether the firewall lets clients through. */
export const checkForwardChain: GatewayCheck = async (host) => {
  const about = 'firewall, forward'
  const [ruleset, clients] = await Promise.all([rulesetHere(), ipv4Networks(host)])
  if (ruleset === undefined) return [notApplicable(about, NO_NFT)]
  const device = (await host.conf()).main.last('device') ?? 'vpns'
  const findings = clients.flatMap(({ network, what }): Finding[] => {
    const chain = droppedAt(ruleset, 'forward', { iifname: `${device}0`, saddr: someAddress(network) })
    if (chain === undefined) return []
    return [
      fault(
        about,
        `drops what clients send (${what}, chain ${chain}): they have a tunnel and reach nothing`,
        `nft insert rule ${chain} iifname "${device}*" accept`,
      ),
    ]
  })
  return findings.length > 0 ? findings.slice(0, 1) : [ok(about, 'lets clients through')]
}

/** Whether the firewall lets clients in. */
export const checkInputChain: GatewayCheck = async (host) => {
  const about = 'firewall, input'
  const ruleset = await rulesetHere()
  if (ruleset === undefined) return [notApplicable(about, NO_NFT)]
  const tunnel = (await host.conf()).main.last('device') ?? 'vpns'
  const devices = Object.keys(networkInterfaces()).filter((name) => name !== 'lo' && !name.startsWith(tunnel))
  const findings = (await listeningPorts(host)).flatMap(({ protocol, port }): Finding[] => {
    const chains = devices.map((iifname) => droppedAt(ruleset, 'input', { protocol, dport: port, iifname }))
    // Clients may come by any of them.
    const chain = chains.includes(undefined) ? undefined : chains[0]
    if (chain === undefined) return []
    const effect =
      protocol === 'tcp' ? 'nobody can connect' : 'clients stay on TCP, which is slow ("DTLS in progress")'
    return [
      fault(
        about,
        `drops ${protocol} port ${port} (chain ${chain}): ${effect}`,
        `nft insert rule ${chain} ${protocol} dport ${port} accept`,
      ),
    ]
  })
  return findings.length > 0 ? findings : [ok(about, 'lets clients in')]
}

/** The ports of ocserv.conf; none for one that is 0. */
export async function listeningPorts(
  host: GatewayHost,
): Promise<readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[]> {
  const { main } = await host.conf()
  const ports = [
    { protocol: 'tcp' as const, port: main.number('tcp-port') ?? 443 },
    { protocol: 'udp' as const, port: main.number('udp-port') ?? 0 },
  ]
  return ports.filter(({ port }) => port > 0)
}

async function ipv4Networks(host: GatewayHost): Promise<readonly NamedNetwork[]> {
  return (await clientNetworks(host)).filter(({ network }) => network.base.kind() === 'ipv4')
}

async function rulesetHere(): Promise<Ruleset | undefined> {
  return readRuleset(await jsonOf('nft', ['-j', 'list', 'ruleset']))
}

function someAddress(network: NamedNetwork['network']): string {
  const octets = network.base.toByteArray()
  return [...octets.slice(0, -1), (octets.at(-1) ?? 0) + (network.prefix < 31 ? 2 : 0)].join('.')
}
