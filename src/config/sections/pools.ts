import { z } from 'zod'
import {
  type AddressPool,
  DEFAULT_HOLD_MS,
  ipv4Addresses,
  placeIn,
  sizeOf,
} from '../../domain/address-pool.ts'
import { contains, type Network } from '../../domain/network.ts'
import { countOf, gives } from '../../domain/prefix-pool.ts'
import { duration, fromText, network, readName } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { gatewaysSchema } from './gateways.ts'
import { overlap, readIpv4Pool, readIpv6Pool } from './pool-networks.ts'

const MAX_ADDRESSES = 2 ** 18
/** ocserv brings a client back by its cookie for 300 s, and notices its end up to 325 s later. */
const OCSERV_RECONNECT_MS = 625_000

const poolSchema = z.strictObject({
  ipv4: fromText(readIpv4Pool).optional(),
  ipv6: fromText(readIpv6Pool).optional(),
  prefix: z.int().min(16).max(128).optional(),
  exclude: z.array(network()).default([]),
  hold: duration({ min: '1m', max: '24h' }).default(DEFAULT_HOLD_MS),
})

export const poolsSchema = z.record(z.string(), poolSchema)

type Parsed = z.output<typeof poolsSchema>

type PartialPool = PartialConfig<Parsed[string]>

/**
 * @param used the pools that policies name; undefined if one of them has a fault.
 * @param gateways whose addresses no user may get.
 */
export function checkPools(
  pools: PartialConfig<Parsed>,
  used: ReadonlySet<string> | undefined,
  gateways: PartialConfig<z.output<typeof gatewaysSchema>> | undefined,
  diagnostics: Diagnostics,
): void {
  const earlier: { readonly name: string; readonly network: Network }[] = []
  const all = Object.values(pools).reduce((sum, pool) => sum + addressesOf(pool ?? {}), 0)
  if (all > MAX_ADDRESSES)
    diagnostics.fault(
      ['pools'],
      `have ${all} addresses; at most ${MAX_ADDRESSES}`,
      'give them smaller networks',
    )
  for (const [pool, settings = {}] of Object.entries(pools)) {
    const path = ['pools', pool]
    diagnostics.valueOf(path, readName(pool))
    if (used?.has(pool) === false)
      diagnostics.warn(path, 'is used by no policy', 'write reply: { pool: … } in a policy')
    for (const family of ['ipv4', 'ipv6'] as const) {
      const whole = settings[family]
      if (whole === undefined) continue
      const twin = earlier.find((other) => overlap(other.network, whole))
      if (twin === undefined) earlier.push({ name: pool, network: whole })
      else
        diagnostics.fault(
          [...path, family],
          `${whole.text} overlaps with pool ${twin.name}`,
          'keep pools apart',
        )
    }
    if (!checkFamilies(settings, path, diagnostics)) continue
    checkRest(settings, path, diagnostics)
    checkGatewayAddresses(resolvePool(pool, settings), gateways ?? [], path, diagnostics)
  }
}

function addressesOf({ ipv4, ipv6, prefix = 0 }: PartialPool): number {
  const prefixes = ipv6 !== undefined && prefix >= ipv6.prefix ? countOf({ network: ipv6, prefix }) : 0
  return (ipv4 === undefined ? 0 : sizeOf(ipv4)) + prefixes
}

/** @returns whether the networks can be looked at further. */
function checkFamilies(
  { ipv4, ipv6, prefix }: PartialPool,
  path: readonly string[],
  diagnostics: Diagnostics,
): boolean {
  const given = (key: string) => diagnostics.given([...path, key])
  if (!given('ipv4') && !given('ipv6'))
    diagnostics.fault([...path, 'ipv4'], 'is missing', 'write ipv4, or ipv6 and prefix, or all of them')
  if (given('prefix') && !given('ipv6'))
    diagnostics.fault([...path, 'prefix'], 'belongs to ipv6, which is missing', 'write ipv6, or remove it')
  if (ipv6 === undefined) return ipv4 !== undefined && !given('ipv6')
  if (!given('prefix'))
    diagnostics.fault(
      [...path, 'prefix'],
      'is missing: the length of the prefix that each session gets',
      `write ${Math.max(64, ipv6.prefix)}, or 128 for single addresses`,
    )
  else if (prefix !== undefined && prefix < ipv6.prefix)
    diagnostics.fault(
      [...path, 'prefix'],
      `${prefix} is shorter than the network ${ipv6.text}`,
      `write ${Math.max(64, ipv6.prefix)}, or 128 for single addresses`,
    )
  return prefix !== undefined && prefix >= ipv6.prefix
}

function checkRest(
  { exclude = [], hold, ipv4, ipv6, prefix }: PartialPool,
  path: readonly string[],
  diagnostics: Diagnostics,
): void {
  const networks = [ipv4, ipv6].filter((each) => each !== undefined)
  for (const [index, excluded] of exclude.entries()) {
    if (excluded === undefined || networks.some((whole) => overlap(whole, excluded))) continue
    const names = networks.map(({ text }) => text).join(' or ')
    diagnostics.fault([...path, 'exclude', index], `${excluded.text} is not in ${names}`)
  }
  const known = exclude.filter((excluded) => excluded !== undefined)
  const empty = (rest: string) =>
    diagnostics.fault([...path, 'exclude'], `leaves no ${rest} for users`, 'exclude less of it')
  if (ipv4 !== undefined && ipv4Addresses(ipv4, known).length === 0) empty('address')
  if (ipv6 !== undefined && prefix !== undefined && !gives({ network: ipv6, prefix }, known))
    empty('IPv6 prefix')
  if (hold !== undefined && hold < OCSERV_RECONNECT_MS)
    diagnostics.warn(
      [...path, 'hold'],
      'is less than the 625s in which ocserv may bring a client back, whose address may then be another user’s',
      'write 15m',
    )
}

/** A gateway whose own address a user has loses the way to itself. */
function checkGatewayAddresses(
  pool: AddressPool,
  gateways: PartialConfig<z.output<typeof gatewaysSchema>>,
  path: readonly string[],
  diagnostics: Diagnostics,
): void {
  for (const gateway of gateways)
    for (const address of gateway?.address ?? []) {
      if (address === undefined || !('network' in address) || address.network === undefined) continue
      const { base, prefix } = address.network
      const isHost = prefix === (base.kind() === 'ipv4' ? 32 : 128)
      if (!isHost && prefix > 0 && !isOutside(pool, address.network))
        diagnostics.warn(
          path,
          `overlaps ${address.network.text} of gateway ${gateway?.name}: what a user sends could come from a gateway’s address`,
          'name the gateway’s own address, or give the pool another network',
        )
      else if (isHost && placeIn([pool], base.toString()) !== undefined)
        diagnostics.warn(
          path,
          `may give ${base}, which is the address of gateway ${gateway?.name}`,
          `write exclude: ["${base}"]`,
        )
    }
}

/** Whether a network is left to be given by others: outside of a pool's network, or excluded from it. */
export function isOutside({ ipv4, ipv6, exclude }: AddressPool, other: Network): boolean {
  const networks = [ipv4, ipv6?.network].filter((each) => each !== undefined)
  if (!networks.some((whole) => overlap(whole, other))) return true
  return exclude.some((excluded) => contains(excluded, other.base) && excluded.prefix <= other.prefix)
}

export function resolvePools(parsed: Parsed): readonly AddressPool[] {
  return Object.entries(parsed).map(([name, pool]) => resolvePool(name, pool))
}

function resolvePool(
  name: string,
  { ipv4, ipv6, prefix, exclude = [], hold = DEFAULT_HOLD_MS }: PartialPool,
): AddressPool {
  return {
    name,
    ...(ipv4 && { ipv4 }),
    ...(ipv6 && prefix !== undefined && { ipv6: { network: ipv6, prefix } }),
    exclude: exclude.filter((excluded) => excluded !== undefined),
    holdMs: hold,
  }
}
