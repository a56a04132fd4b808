import { contains, parseAddress, parseNetwork } from '../../domain/network.ts'
import { type Finding, fault, hint, notApplicable, ok, warning } from '../finding.ts'
import { type GatewayCheck, NO_EXPECTATION } from './gateway-check.ts'
import { clientNetworks, hostNetworks, ocservNetworks, overlap, pools } from './own-networks.ts'

/** Whether ocserv's own addresses lie apart from those that the broker gives. */
export const checkIpv4Network: GatewayCheck = async (host) => {
  const about = `ipv4-network in ${host.file}`
  const own = await ocservNetworks(host)
  if (own.length === 0) return [notApplicable(about, 'there is none')]
  if (host.expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  for (const { network, what } of own) {
    const pool = pools(host).find((each) => overlap(each.network, network))
    if (pool !== undefined)
      return [
        fault(
          about,
          `${what} ${network.text} overlaps ${pool.what} (${pool.network.text}): two users may get one address`,
          'ipv4-network = a network outside of every pool',
        ),
      ]
    const { policies } = host.expectation
    const inside = policies
      .flatMap(({ routes, dns }) => [...routes, ...dns])
      .find((each) => {
        const other = parseNetwork(each)
        return other !== undefined && other.prefix >= network.prefix && contains(network, other.base)
      })
    if (inside !== undefined)
      return [
        warning(
          about,
          `${what} ${network.text} holds ${inside}, which a policy sends clients to`,
          'ipv4-network = a network that is used for nothing else',
        ),
      ]
  }
  return [ok(about, own.map(({ network }) => network.text).join(', '))]
}

/** Whether clients get addresses that this host uses, or leads elsewhere. */
export const checkHostNetworks: GatewayCheck = async (host) => {
  const about = 'networks of this host'
  const [clients, own] = await Promise.all([clientNetworks(host), hostNetworks(host)])
  if (own === undefined) return [notApplicable(about, '`ip` does not say')]
  const clashes = clients.flatMap((client) => {
    const clash = own.find(({ network }) => overlap(network, client.network))
    return clash === undefined ? [] : { client, clash }
  })
  const [first] = clashes
  if (first === undefined) return [ok(about, 'lie apart from those of clients')]
  const { client, clash } = first
  return [
    fault(
      about,
      `${client.what} (${client.network.text}) overlaps ${clash.what}: clients get addresses of others`,
      client.what.startsWith('pool')
        ? `in broker.yaml: another network for ${client.what}, or exclude`
        : 'ipv4-network = a network that is used for nothing else',
    ),
  ]
}

/** Whether ocserv gives IPv6 at all where policies do. */
export const checkIpv6Network: GatewayCheck = async (host) => {
  const about = `ipv6-network in ${host.file}`
  const { expectation } = host
  if (expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const policy = expectation.policies.find(({ hasIpv6 }) => hasIpv6)
  if (policy === undefined) return [ok(about, 'no policy gives IPv6')]
  const network = (await host.conf()).main.last('ipv6-network')
  if (network !== undefined) return [ok(about, network)]
  return [
    warning(
      about,
      `is missing: ocserv gives no client IPv6, though policy ${policy.name} does`,
      'ipv6-network = fd00:8::/48',
    ),
  ]
}

/** Whether clients reach the name servers that they are given. */
export const checkDnsRoute: GatewayCheck = async (host) => {
  const about = 'name servers of policies'
  if (host.expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const findings = host.expectation.policies.flatMap(({ name, routes, dns }): Finding[] => {
    // Without routes of its own the gateway's count, or all goes into the tunnel.
    if (routes.length === 0) return []
    const networks = routes.flatMap((route) => parseNetwork(route) ?? [])
    const lost = dns.find((server) => {
      const address = parseAddress(server)
      return address !== undefined && !networks.some((network) => contains(network, address))
    })
    if (lost === undefined) return []
    const remedy = `in broker.yaml, policy ${name}: routes: [${[...routes, `${lost}/${lost.includes(':') ? 128 : 32}`].join(', ')}]`
    return [warning(about, `policy ${name} gives ${lost}, to which none of its routes leads`, remedy)]
  })
  return findings.length > 0 ? findings : [ok(about, 'lie within the routes')]
}

/** Whether groups that users can pick are those that policies give. */
export const checkGroups: GatewayCheck = async (host) => {
  const about = `select-group in ${host.file}`
  if (host.expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const { main } = await host.conf()
  const offered = main.all('select-group').map((group) => group.replace(/\[.*$/, '').trim())
  const given = new Set(host.expectation.policies.flatMap(({ groups }) => groups))
  const dead = offered.filter((group) => !given.has(group))
  if (dead.length > 0)
    return [
      warning(
        about,
        `no policy gives ${dead.join(', ')}: a user who picks it is denied by ocserv, though the broker accepts`,
        `remove: select-group = ${dead[0]}`,
      ),
    ]
  const hidden = [...given].filter((group) => !offered.includes(group))
  if (hidden.length > 0)
    return [
      hint(
        about,
        `does not offer ${hidden.join(', ')}: users are in a group of the reply and cannot pick another`,
        `select-group = ${hidden[0]}`,
      ),
    ]
  return [ok(about, offered.length === 0 ? 'offers none' : offered.join(', '))]
}
