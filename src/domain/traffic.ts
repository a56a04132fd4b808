/** Why a datagram got no answer: stable words, found in the log, in the metrics, in the API and in docs/log.md. */
export const DROP_REASONS = [
  'unknown_gateway',
  'no_source_port',
  'malformed',
  'wrong_code',
  'forbidden_attribute',
  'no_message_authenticator',
  'bad_message_authenticator',
  'bad_accounting_authenticator',
  'proxy_state_unprotected',
  'repeated',
  'overloaded',
  'too_late',
] as const

export type DropReason = (typeof DROP_REASONS)[number]

/** The detail of what was dropped because of its signature, where all clients have the same secret. */
export const OVER_TLS = 'over TLS'

/** What a datagram asks for; where that cannot be told, what its port is for. */
export type RequestKind = 'login' | 'accounting' | 'status'

/**
 * What became of the datagrams of one kind from one source address. Those between which less than `EPISODE_MS` passed
 * are counted together. Times are wall milliseconds.
 */
export interface Traffic {
  /** As the system writes it. */
  readonly source: string
  /** Absent: of no gateway of the configuration. */
  readonly gateway?: string
  readonly kind: RequestKind
  readonly outcome: 'taken' | DropReason
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** Of the last one. */
  readonly detail?: string
}

export type Drop = Traffic & { readonly outcome: DropReason }

/** Every method may throw `Unavailable`. */
export interface TrafficStore {
  /** Adds to what is known. Keeps the newest of each kind: see `MOST_TRAFFIC`. */
  add(traffic: readonly Traffic[]): Promise<void>
  /** The newest first. */
  list(): Promise<readonly Traffic[]>
}

/** Which of the bounds counts: nobody can make `taken` without a shared secret, and anybody the other two. */
export type TrafficClass = 'taken' | 'dropped' | 'strange'

export function trafficClassOf({ gateway, outcome }: Pick<Traffic, 'gateway' | 'outcome'>): TrafficClass {
  if (outcome === 'taken') return 'taken'
  return gateway === undefined ? 'strange' : 'dropped'
}

/** Rows that the records keep, so that forged source addresses neither fill them nor push out what gateways did. */
export const MOST_TRAFFIC: Readonly<Record<TrafficClass, number>> = {
  taken: 2000,
  dropped: 1000,
  strange: 200,
}

/** After such a pause the count begins again, in milliseconds. */
export const EPISODE_MS = 3_600_000
/** What happened longer ago is told of no more, in milliseconds. */
const NEWS_MS = EPISODE_MS

/** `over`: a request of the same kind was taken since. `some`: others were taken in between. `every`: none was. */
type DropState = 'every' | 'some' | 'over'

export interface JudgedDrop extends Drop {
  readonly state: DropState
}

/** What was dropped within the last hour, the newest first. */
export function recentDrops(traffic: readonly Traffic[], now: number): readonly JudgedDrop[] {
  const taken = traffic.filter(({ outcome }) => outcome === 'taken')
  return traffic
    .filter((each): each is Drop => each.outcome !== 'taken' && each.lastAt > now - NEWS_MS)
    .map((drop) => ({ ...drop, state: stateOf(drop, taken) }))
    .toSorted((one, other) => other.lastAt - one.lastAt)
}

function stateOf(drop: Drop, taken: readonly Traffic[]): DropState {
  const after = taken
    .filter((each) => isMended(drop, each))
    .reduce((last, { lastAt }) => Math.max(last, lastAt), Number.NEGATIVE_INFINITY)
  if (after > drop.lastAt) return 'over'
  return after > drop.firstAt ? 'some' : 'every'
}

/**
 * Whether it cannot be as it was when this was taken. That doctor's own Status-Server is taken says that the address is
 * known, and nothing of what the VPN server sends.
 */
function isMended({ source, gateway, kind, outcome, detail }: Drop, taken: Traffic): boolean {
  if (source !== taken.source) return false
  if (outcome === 'unknown_gateway') return detail === undefined
  if (gateway !== undefined && gateway !== taken.gateway) return false
  return kind === taken.kind || kind === 'status'
}

/** That one of these is dropped says nothing of its sender. */
const HARMLESS: readonly DropReason[] = ['repeated', 'no_source_port']

/** Whether it tells of something that somebody should mend. */
export function isTrouble({ outcome, state }: JudgedDrop): boolean {
  return state !== 'over' && !HARMLESS.includes(outcome)
}

/** When the gateway last sent a request that was taken; a Status-Server is none. */
export function askedAt(traffic: readonly Traffic[], gateway: string): number | undefined {
  const times = traffic
    .filter((each) => each.gateway === gateway && each.outcome === 'taken' && each.kind !== 'status')
    .map(({ lastAt }) => lastAt)
  return times.length === 0 ? undefined : Math.max(...times)
}
