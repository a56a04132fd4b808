import type { Clock } from '../domain/clock.ts'
import { causeOf, remedyOf } from '../domain/drop-remedies.ts'
import type { Gateway } from '../domain/gateway.ts'
import {
  askedAt,
  type DropReason,
  isTrouble,
  type JudgedDrop,
  recentDrops,
  type Traffic,
  type TrafficStore,
} from '../domain/traffic.ts'
import { type Check, type Finding, fault, hint, ok, warning } from './finding.ts'

type KnownGateway = Pick<Gateway, 'name' | 'messageAuthenticator'>

/** A gateway that was used and has asked nothing for so long, in milliseconds. */
const SILENT_MS = 7 * 24 * 3_600_000
const MAX_STRANGERS = 5

/** Everybody can send these in a gateway's name, and they pass. */
const PASSING: readonly DropReason[] = ['malformed', 'forbidden_attribute', 'overloaded', 'too_late']

/** Whether what the gateways send is taken, and who else sends. */
export function checkDrops(
  gateways: readonly KnownGateway[],
  store: Pick<TrafficStore, 'list'>,
  clock: Pick<Clock, 'now'>,
): Check {
  return async () => {
    const [now, traffic] = [clock.now(), await store.list()]
    const drops = recentDrops(traffic, now).filter(isTrouble)
    return [
      ...gateways.flatMap((gateway) => findingsOn(gateway, traffic, drops, now)),
      ...strangers(drops.filter(({ gateway }) => gateway === undefined)),
    ]
  }
}

function findingsOn(
  { name, messageAuthenticator }: KnownGateway,
  traffic: readonly Traffic[],
  drops: readonly JudgedDrop[],
  now: number,
): readonly Finding[] {
  const about = `gateway ${name}`
  const own = drops.filter(
    ({ gateway, outcome }) =>
      gateway === name &&
      // `signed-gateways` tells a gateway that signs no more from somebody who forges its requests.
      !(outcome === 'no_message_authenticator' && messageAuthenticator === 'auto'),
  )
  if (own.length > 0) return own.map((drop) => findingOn(drop, about))
  const last = askedAt(traffic, name)
  if (last === undefined)
    return [
      hint(about, 'has asked nothing yet', 'on its host: ocbroker doctor --gateway /etc/ocserv/ocserv.conf'),
    ]
  if (last < now - SILENT_MS)
    return [
      warning(
        about,
        `asked last ${timeOf(last)}`,
        'if it is still in use, on its host: ocbroker doctor --gateway /etc/ocserv/ocserv.conf; otherwise take it out of broker.yaml',
      ),
    ]
  return [ok(about, `asked last ${timeOf(last)}, and is answered`)]
}

function findingOn(drop: JudgedDrop, about: string): Finding {
  const { state, kind, source } = drop
  const says =
    state === 'every'
      ? `every ${WORDS[kind]} from ${source} is dropped: ${causeOf(drop)}`
      : `some ${WORDS[kind]} from ${source} is dropped: ${causeOf(drop)}`
  const what = `${says}; ${timesOf(drop)}`
  const isSure = state === 'every' && !PASSING.includes(drop.outcome)
  return isSure ? fault(about, what, remedyOf(drop)) : warning(about, what, remedyOf(drop))
}

const WORDS = { login: 'login', accounting: 'accounting report', status: 'Status-Server' } as const

/** Each may be a gateway that lacks its entry, or somebody who tries. */
function strangers(drops: readonly JudgedDrop[]): readonly Finding[] {
  const told = drops
    .slice(0, MAX_STRANGERS)
    .map((drop) =>
      warning(
        `sender ${drop.source}`,
        [`is dropped: ${causeOf(drop)}`, timesOf(drop)].join('; '),
        remedyOf(drop),
      ),
    )
  const others = drops.length - told.length
  if (others === 0) return told
  return [
    ...told,
    hint('other senders', `${others} more are dropped`, 'keep them away from the ports by the firewall'),
  ]
}

function timesOf({ count, firstAt, lastAt }: Traffic): string {
  return count === 1
    ? `once, at ${timeOf(lastAt)}`
    : `${count} times since ${timeOf(firstAt)}, last ${timeOf(lastAt)}`
}

function timeOf(at: number): string {
  return new Date(at).toISOString()
}
