import type { AttemptStore, NetworkHour } from '../domain/attempt-tally.ts'

/** Refusals from one network, one after the other. */
export interface Attack {
  /** The /24 or /64 that it comes from. */
  readonly network: string
  /** Of its first and its last attempt, in wall milliseconds. */
  readonly from: number
  readonly to: number
  readonly isGoingOn: boolean
  readonly tries: number
  readonly addresses: number
  /** User names that were tried. */
  readonly names: number
  /** Users who were let in from the network since it began, those who came first. */
  readonly gotIn: readonly string[]
  /** Whether more of them got in. */
  readonly isMore: boolean
}

const HOUR_MS = 3_600_000
const LOOK_BACK_MS = 24 * HOUR_MS
/** Refusals within an hour, fewer of which come from people who mistype. */
const LEAST = 20
/** Of an office many are let in, and some mistype. */
const TIMES_THOSE_LET_IN = 4
/** An attack whose last attempt is older is over. */
const GOES_ON_MS = 10 * 60_000
const MOST = 10
const MOST_USERS = 3

/**
 * The attacks of the last 24 hours: those that go on first, then those with the most attempts.
 * @param now wall milliseconds. @throws Unavailable
 */
export async function findAttacks(attempts: AttemptStore, now: number): Promise<readonly Attack[]> {
  const hours = await attempts.failingNetworks(now - LOOK_BACK_MS, now + 1, LEAST)
  const waves = wavesOf(hours.filter(({ failed, accepted }) => failed >= accepted * TIMES_THOSE_LET_IN))
  const worst = waves
    .toSorted(
      (one, other) => Number(goesOn(other, now)) - Number(goesOn(one, now)) || other.failed - one.failed,
    )
    .slice(0, MOST)
  return Promise.all(worst.map((wave) => look(wave, attempts, now)))
}

/** Hours of one network that follow each other, as one. @param hours by network, and then by time. */
function wavesOf(hours: readonly NetworkHour[]): readonly NetworkHour[] {
  const waves: NetworkHour[] = []
  for (const hour of hours) {
    const last = waves.at(-1)
    if (last?.network === hour.network && hour.hour - last.hour <= HOUR_MS)
      waves[waves.length - 1] = {
        ...last,
        hour: hour.hour,
        accepted: last.accepted + hour.accepted,
        failed: last.failed + hour.failed,
        last: hour.last,
      }
    else waves.push(hour)
  }
  return waves
}

function goesOn({ last }: NetworkHour, now: number): boolean {
  return now - last < GOES_ON_MS
}

async function look(wave: NetworkHour, attempts: AttemptStore, now: number): Promise<Attack> {
  const { network, first, last, failed } = wave
  const search = { by: 'network', address: network, since: first, before: last + 1, limit: 1 } as const
  const [[tally], gotIn] = await Promise.all([
    attempts.tally(search),
    attempts.letInFrom(network, first, now + 1, MOST_USERS + 1),
  ])
  return {
    network,
    from: first,
    to: last,
    isGoingOn: goesOn(wave, now),
    tries: failed,
    addresses: tally?.addresses ?? 0,
    names: tally?.users ?? 0,
    gotIn: gotIn.slice(0, MOST_USERS),
    isMore: gotIn.length > MOST_USERS,
  }
}
