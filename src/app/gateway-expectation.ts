import { networkInterfaces } from 'node:os'
import type { Config } from '../config/schema.ts'
import { digestSecret, type Expectation } from '../doctor/gateway/expectation.ts'
import { type AddressPool, ipv4Addresses } from '../domain/address-pool.ts'
import { APPROVAL_TTL_MS, FETCH_WITHIN_MS } from '../domain/approval.ts'
import type { Gateway } from '../domain/gateway.ts'
import { isWithin, LOOPBACK } from '../domain/network.ts'
import type { Policy } from '../domain/policy.ts'
import { countOf } from '../domain/prefix-pool.ts'
import { systemRandom } from '../domain/random.ts'

const SALT_OCTETS = 16

/** What the broker of this configuration expects of a gateway. @param servers where the gateway is to ask. */
export async function expectationOf(
  config: Config,
  gateway: Gateway,
  servers: readonly string[],
): Promise<Expectation> {
  const { radius, identity, pools } = config
  const policies = policiesAt(config, gateway)
  const realms = new Set(identity.order.flatMap(({ place }) => place.realms))
  if (gateway.defaultRealm !== undefined) realms.add(gateway.defaultRealm)
  const given = pools.filter(({ name }) => policies.some(({ reply }) => reply?.pool?.name === name))
  return {
    gateway: gateway.name,
    broker: {
      servers: [...servers],
      authPort: radius.authPort,
      acctPort: radius.acctPort,
      deadlineMs: radius.deadlineMs,
      answerWithinMs: longestPromptMs(config),
      realms: [...realms],
      healthUrl: healthUrl(config, servers),
    },
    entry: {
      addresses: [...gateway.networks.map(({ text }) => text), ...gateway.hosts],
      nasIdentifiers: [...gateway.nasIdentifiers],
      messageAuthenticator: gateway.messageAuthenticator,
      secretDigest:
        gateway.secret && (await digestSecret(gateway.secret.bytes(), systemRandom.bytes(SALT_OCTETS))),
    },
    pools: given.flatMap(networksOf),
    policies: policies.map(summaryOf),
  }
}

/** The same for a gateway that asks over HTTP. @param reachedAt the address of this machine at which it does. */
export async function expectationFor(
  config: Config,
  name: string,
  reachedAt: string,
): Promise<Expectation | undefined> {
  const gateway = config.gateways.find((each) => each.name === name)
  const servers = ownServers(config)
  const [first, ...others] = servers.toSorted((one) => (one === reachedAt ? -1 : 1))
  return gateway && (await expectationOf(config, gateway, first === undefined ? servers : [first, ...others]))
}

function networksOf({ name, ipv4, ipv6, exclude }: AddressPool): Expectation['pools'] {
  const networks: Expectation['pools'] = []
  if (ipv4 !== undefined)
    networks.push({ name, network: ipv4.text, size: ipv4Addresses(ipv4, exclude).length })
  if (ipv6 !== undefined) networks.push({ name, network: ipv6.network.text, size: countOf(ipv6) })
  return networks
}

/** The policies that can apply to a login at the gateway. */
function policiesAt({ policies }: Config, { name }: Gateway): readonly Policy[] {
  return policies.filter(({ when }) => when.gateways?.includes(name) ?? true)
}

function summaryOf({ name, reply = {} }: Policy): Expectation['policies'][number] {
  const { pool, routes = [], dns = [], groups = [], upstreamSpeed, downstreamSpeed, delegatedPrefix } = reply
  return {
    name,
    pool: pool?.name,
    routes: [...routes],
    dns: [...dns],
    groups: [...groups],
    hasSpeeds: upstreamSpeed !== undefined || downstreamSpeed !== undefined,
    hasIpv6:
      pool?.ipv6 !== undefined ||
      delegatedPrefix !== undefined ||
      [...routes, ...dns].some((each) => each.includes(':')),
  }
}

/** The addresses at which a broker on this machine can be asked. */
export function ownServers({ radius }: Config): readonly string[] {
  const wildcard = radius.addresses.some((address) => address === '0.0.0.0' || address === '::')
  if (!wildcard) return radius.addresses
  return Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address))
}

/** @returns undefined where only the broker's own machine could ask. */
function healthUrl({ http }: Config, [server = '']: readonly string[]): string | undefined {
  if (http === undefined) return undefined
  const isLocal = isWithin(LOOPBACK, http.address)
  if (isLocal && !isWithin(LOOPBACK, server)) return undefined
  const host = isLocal ? http.address : server
  const scheme = http.tls === undefined ? 'http' : 'https'
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${http.port}/healthz`
}

/** The longest that any prompt waits; that for an approval also waits for the client to fetch it. */
function longestPromptMs({ secondFactor, policies }: Config): number {
  const { answerWithinMs, mode } = secondFactor
  const modes = [mode, ...policies.map(({ secondFactorMode }) => secondFactorMode)]
  const approves = modes.includes('approve') || modes.includes('either')
  if (!approves) return answerWithinMs
  return Math.max(answerWithinMs, Math.min(answerWithinMs, APPROVAL_TTL_MS) + FETCH_WITHIN_MS)
}
