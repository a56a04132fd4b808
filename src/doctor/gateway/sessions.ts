import type { Clock } from '../../domain/clock.ts'
import { type Finding, hint, notApplicable, ok, warning } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'
import { askOcctl, type OcctlEntry } from './occtl.ts'

const NO_OCCTL = 'occtl does not answer: use-occtl = true, and run this as root'
const MAX_NAMED = 5

/** Addresses that ocserv turns away without asking the broker. */
export const checkBans: GatewayCheck = async (host) => {
  const about = 'bans of ocserv'
  if (((await host.conf()).main.number('max-ban-score') ?? 80) === 0) return [ok(about, 'are off')]
  const banned = await askOcctl(host, 'show', 'ip', 'bans')
  if (banned === undefined) return [notApplicable(about, NO_OCCTL)]
  const addresses = banned.flatMap((each) => (typeof each.IP === 'string' ? each.IP : []))
  const [first] = addresses
  if (first === undefined) return [ok(about, 'no address is banned')]
  const named = `${addresses.slice(0, MAX_NAMED).join(', ')}${addresses.length > MAX_NAMED ? ', …' : ''}`
  return [
    warning(
      about,
      `${addresses.length} banned: ${named}; the broker is not asked for their logins`,
      `occtl unban ip ${first}; where many users share an address: max-ban-score = 0`,
    ),
  ]
}

/** Milliseconds after which a client that can has DTLS. */
const SETTLED_MS = 30_000

/** Whether clients have DTLS. @param clock to tell new sessions from old ones. */
export function checkDtls(clock: Pick<Clock, 'now'>): GatewayCheck {
  return async (host) => {
    const about = 'DTLS of sessions'
    if (((await host.conf()).main.number('udp-port') ?? 0) === 0)
      return [notApplicable(about, 'there is no udp-port: see ports')]
    const users = await askOcctl(host, 'show', 'users')
    return users === undefined ? [notApplicable(about, NO_OCCTL)] : dtlsFindings(about, users, clock.now())
  }
}

/** @param now wall milliseconds. */
export function dtlsFindings(about: string, users: readonly OcctlEntry[], now: number): readonly Finding[] {
  const settled = users.filter((user) => now - connectedAt(user) > SETTLED_MS)
  if (settled.length === 0) return [notApplicable(about, 'there is no session of half a minute')]
  const without = settled.filter((user) => user['DTLS cipher'] === undefined)
  if (without.length === 0) return [ok(about, `all ${settled.length} have it`)]
  const says = `${without.length} of ${settled.length} have none and go by TCP, which is slow`
  if (without.length < settled.length) return [hint(about, `${says}: UDP is blocked where these users are`)]
  return [
    warning(about, `${says}: UDP is blocked on the way to this host`, 'let udp-port through every firewall'),
  ]
}

/** ocserv tells minutes, in local time. */
function connectedAt({ 'Connected at': at, raw_connected_at: raw }: OcctlEntry): number {
  if (typeof raw === 'number') return raw * 1000
  const parsed = typeof at === 'string' ? Date.parse(at.replace(' ', 'T')) : Number.NaN
  // As late as that minute may have been.
  return Number.isNaN(parsed) ? 0 : parsed + 59_000
}
