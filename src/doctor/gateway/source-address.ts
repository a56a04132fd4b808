import { contains, parseAddress, parseNetwork } from '../../domain/network.ts'
import { type Finding, fault, hint, notApplicable, ok } from '../finding.ts'
import { type GatewayCheck, NO_EXPECTATION, NO_RADIUS } from './gateway-check.ts'
import type { GatewayHost } from './gateway-host.ts'
import { jsonOf } from './programs.ts'

/** Whether requests come from an address, and under a name, that the broker knows this gateway by. */
export const checkSourceAddress: GatewayCheck = async (host) => {
  const about = 'source of the requests'
  const { expectation } = host
  const server = await host.server('auth')
  if (server === undefined) return [notApplicable(about, NO_RADIUS)]
  if (expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const named = await nasFinding(host, about)
  if (named !== undefined) return [named]
  const [address] = await host.addressesOf(server.host)
  const source = (await host.boundTo()) ?? (address === undefined ? undefined : await sourceFor(address))
  if (source === undefined) return [notApplicable(about, `there is no route to ${server.host}`)]
  const { gateway, entry } = expectation
  const known = await Promise.all(
    entry.addresses.map(async (each) => parseNetwork(each) ?? (await host.addressesOf(each))),
  )
  const parsed = parseAddress(source)
  const isKnown = known.some((each) =>
    'base' in each ? parsed !== undefined && contains(each, parsed) : each.includes(source),
  )
  if (isKnown) return [ok(about, `is ${source}`)]
  const difference = `is ${source} here, and the broker knows ${gateway} by ${entry.addresses.join(', ')}`
  if ((await host.probe('auth')) === 'answers')
    return [hint(about, `${difference}: it is translated on the way`)]
  return [
    fault(
      about,
      `${difference}: it drops every request`,
      `in broker.yaml, for ${gateway}: address: ${source}`,
    ),
  ]
}

async function nasFinding(host: GatewayHost, about: string): Promise<Finding | undefined> {
  const known = host.expectation?.entry.nasIdentifiers ?? []
  const [own] = known
  const sent = await host.nasIdentifier()
  if (own === undefined || known.some((each) => each === sent)) return undefined
  return fault(
    about,
    `${sent === undefined ? 'no NAS-Identifier is sent' : `NAS-Identifier ${sent} is sent`}, and the broker knows this gateway by ${known.join(', ')}`,
    `nas-identifier ${own}`,
  )
}

/** The address that the system would send from. */
async function sourceFor(address: string): Promise<string | undefined> {
  const routes = await jsonOf('ip', ['-j', 'route', 'get', address])
  const [route] = Array.isArray(routes) ? (routes as { prefsrc?: unknown }[]) : []
  return typeof route?.prefsrc === 'string' ? route.prefsrc : undefined
}
