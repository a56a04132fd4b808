import { z } from 'zod'
import { type AddressPool, layoutOf, overlap, sizeOf, USUAL_HOLD_MS } from '../../domain/address-pool.ts'
import { contains, type Network } from '../../domain/network.ts'
import { type Report, Slip } from '../fault.ts'
import { duration, network, readName, readNetwork, readText, scalar } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

/** Each address is a row of the records. */
const WIDEST = 16
const MOST_ADDRESSES = 2 ** 18
/** Leaves one address to give. */
const NARROWEST = 30
/** ocserv brings a client back by its cookie for 300 s, and notices its end up to 325 s later. */
const OCSERV_REMEMBERS_MS = 625_000

const poolShape = z.strictObject({
  ipv4: scalar(readPoolNetwork),
  exclude: z.array(network()).default([]),
  hold: duration({ min: '1m', max: '24h' }).default(USUAL_HOLD_MS),
})

export const poolsShape = z.record(z.string(), poolShape)

type Parsed = z.output<typeof poolsShape>

/** As ipaddr.js calls them: not what is loopback, multicast, or means the gateway's own choice. */
const GIVEN: ReadonlySet<string> = new Set(['unicast', 'private', 'carrierGradeNat'])

function readPoolNetwork(raw: unknown): Network | Slip {
  const text = readText(raw)
  if (text instanceof Slip) return text
  const read = readNetwork(text)
  if (read instanceof Slip) return read
  if (read.base.kind() !== 'ipv4') return new Slip(`${text} is not IPv4`, 'write 10.8.0.0/22, say')
  if (!GIVEN.has(read.base.range()))
    return new Slip(`${text} is no network for users`, 'write 10.8.0.0/22, say')
  if (read.prefix < WIDEST)
    return new Slip(`${text} is wider than a pool can be`, `write a /${WIDEST}, or several pools`)
  if (read.prefix > NARROWEST)
    return new Slip(
      `${text} leaves no address for users`,
      'the network, the broadcast and the gateway’s own address are never given: write a /24, say',
    )
  return read
}

/** @param named the pools that policies name; undefined where a fault hides one of them. */
export function checkPools(
  draft: Draft<Parsed>,
  named: ReadonlySet<string> | undefined,
  report: Report,
): void {
  const earlier: { readonly name: string; readonly network: Network }[] = []
  const all = Object.values(draft).reduce((sum, pool) => sum + (pool?.ipv4 ? sizeOf(pool.ipv4) : 0), 0)
  if (all > MOST_ADDRESSES)
    report.fault(['pools'], `have ${all} addresses; at most ${MOST_ADDRESSES}`, 'give them smaller networks')
  for (const [pool, settings] of Object.entries(draft)) {
    const path = ['pools', pool]
    const slip = readName(pool)
    if (slip instanceof Slip) report.fault(path, slip.problem, slip.suggestion)
    if (named?.has(pool) === false)
      report.warn(path, 'no policy gives addresses of it', 'write reply: { pool: … } in a policy')
    if (settings?.ipv4 === undefined) continue
    const whole = settings.ipv4
    const twin = earlier.find((other) => overlap(other.network, whole))
    if (twin === undefined) earlier.push({ name: pool, network: whole })
    else
      report.fault(
        [...path, 'ipv4'],
        `${whole.text} has addresses of pool ${twin.name} in it`,
        'keep pools apart',
      )
    checkRest(settings, whole, path, report)
  }
}

function checkRest(
  { exclude = [], hold }: Draft<Parsed[string]>,
  whole: Network,
  path: readonly string[],
  report: Report,
): void {
  for (const [index, excluded] of exclude.entries()) {
    if (excluded === undefined || contains(whole, excluded.base) || contains(excluded, whole.base)) continue
    report.fault([...path, 'exclude', index], `${excluded.text} is not in ${whole.text}`)
  }
  const known = exclude.filter((excluded) => excluded !== undefined)
  const { addresses } = layoutOf({ name: '', network: whole, exclude: known, holdMs: 0 })
  if (addresses.length === 0)
    report.fault([...path, 'exclude'], 'leaves no address for users', 'exclude less of it')
  if (hold !== undefined && hold < OCSERV_REMEMBERS_MS)
    report.warn(
      [...path, 'hold'],
      'is less than the 625s in which ocserv may bring a client back that was away, to an address that is another user’s by then',
      'write 15m',
    )
}

export function resolvePools(parsed: Parsed): readonly AddressPool[] {
  return Object.entries(parsed).map(([pool, { ipv4, exclude, hold }]) => ({
    ...{ name: pool, network: ipv4, exclude },
    holdMs: hold,
  }))
}
