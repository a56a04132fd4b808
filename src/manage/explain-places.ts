import { ADDRESS_KNOWN_MS, type LockoutStore } from '../domain/lockout.ts'
import type { Network } from '../domain/network.ts'
import type { Policy } from '../domain/policy.ts'
import type { SessionStore } from '../domain/session.ts'
import type { ForeseenEnd } from '../login/foresee.ts'

/** An address from which a login may end otherwise, and how people call it. */
export interface Place {
  readonly address: string
  readonly text: string
}

export interface PlaceOptions {
  readonly lockouts: Pick<LockoutStore, 'list'>
  readonly sessions: Pick<SessionStore, 'list'>
  readonly policies: readonly Policy[]
  readonly exempt: readonly Network[]
}

/** Lockouts, and sessions, that are looked at. */
const MAX_OF_A_KIND = 10
/** Places from which a login is foreseen. */
const MAX_PLACES = 40

/**
 * Where a login of the user may end otherwise than elsewhere: from addresses that are locked for the user, from those of
 * the last sessions, which are known, and in networks that the configuration names.
 */
export async function placesOf(
  user: string,
  now: number,
  { lockouts, sessions, policies, exempt }: PlaceOptions,
): Promise<readonly Place[]> {
  const standing = { state: 'in_force', at: now } as const
  const [pairs, recent] = await Promise.all([
    lockouts.list({ user, scope: 'user_address', standing, limit: MAX_OF_A_KIND }),
    sessions.list({ user, limit: MAX_OF_A_KIND }),
  ])
  const known = recent.filter(
    ({ grantedAt }) => grantedAt !== undefined && grantedAt > now - ADDRESS_KNOWN_MS,
  )
  const addresses = [...pairs, ...known].flatMap(({ address }) => address ?? [])
  const networks = [...exempt, ...policies.flatMap(({ when }) => when.networks ?? [])]
  const places = [
    ...addresses.map((address) => ({ address, text: address })),
    ...networks.map(({ base, text }) => ({ address: base.toString(), text })),
  ]
  const distinct = new Map(places.map((place) => [place.text, place]))
  return [...distinct.values()].slice(0, MAX_PLACES)
}

/** From several places alike. */
export interface Elsewhere {
  readonly places: readonly string[]
  readonly end: ForeseenEnd
  /** For a lockout, when it ends, in wall milliseconds; null: when it is released. */
  readonly until?: number | null
}

/** What is otherwise there, a part of a sentence. */
export function elsewhereWords({ places, end, until }: Elsewhere, otherwise: ForeseenEnd): string {
  const from = `from ${places.join(', ')}`
  switch (end.kind) {
    case 'lets_in':
      if (end.waivedBy === 'trust') return `trusted ${from} without a code`
      return otherwise.kind === 'lets_in'
        ? `policy ${end.policy} ${from}`
        : `gets in ${from} by policy ${end.policy}`
    case 'enrols':
      return `may enrol ${from}`
    case 'refusal':
      if (end.reason !== 'locked') return `${end.detail} ${from}`
      return `locked ${from} until ${until == null ? 'released' : new Date(until).toISOString()}`
  }
}
