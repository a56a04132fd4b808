import { describe, expect, test } from 'vitest'
import { type HeldLease, STALE_MS } from '../../src/domain/address-pool.ts'
import { StaleLeaseDetector } from '../../src/domain/stale-lease-detector.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const KEPT_MS = 25 * MINUTE

function lease(session: string, lastSeenAt?: number, more: Partial<HeldLease> = {}): HeldLease {
  return {
    address: `address of ${session}`,
    session,
    gateway: 'gw1',
    lastSeenAt,
    staleAfterMs: KEPT_MS,
    ...more,
  }
}

/** Looks every minute from one minute to another. @returns the sessions that were dead at each, by minute. */
function looking(watch: StaleLeaseDetector, leases: (minute: number) => readonly HeldLease[]) {
  return (from: number, to: number): ReadonlyMap<number, readonly string[]> => {
    const dead = new Map<number, readonly string[]>()
    for (let minute = from; minute <= to; minute++) {
      const found = watch.findStale(leases(minute), minute * MINUTE).map(({ session }) => session)
      if (found.length > 0) dead.set(minute, found)
    }
    return dead
  }
}

describe('a session', () => {
  test('is dead when it was silent for too long and its gateway told of others after that', () => {
    const look = looking(new StaleLeaseDetector(3 * MINUTE), (minute) => [
      lease('silent', 1),
      lease('alive', Math.floor(minute / 5)),
    ])
    // The first news came after 5 minutes.
    expect([...look(0, 36)]).toEqual([
      [35, ['silent']],
      [36, ['silent']],
    ])
  })

  test('that accounting has not named yet has 10 minutes at least, and as long as it may be silent', () => {
    const staleAfterMs = (ms: number) => (minute: number) => [
      lease('unheard', undefined, { staleAfterMs: ms }),
      lease('alive', minute),
    ]
    const [first] = [...looking(new StaleLeaseDetector(3 * MINUTE), staleAfterMs(MINUTE))(0, 60).keys()]
    expect(first).toBe(STALE_MS / MINUTE + 2)
    const [later] = [...looking(new StaleLeaseDetector(3 * MINUTE), staleAfterMs(KEPT_MS))(0, 60).keys()]
    expect(later).toBe(27)
  })

  test('is not dead while its gateway tells of nothing: it may be cut off. After a day it is gone', () => {
    const look = looking(new StaleLeaseDetector(3 * MINUTE), (minute) => [
      lease('silent', 1),
      lease('elsewhere', minute, { gateway: 'gw2' }),
      // Logins say nothing of whether accounting comes through.
      lease(`login ${minute}`),
    ])
    expect(look(0, DAY / MINUTE).size).toBe(0)
    expect(look(DAY / MINUTE + 1, DAY / MINUTE + 1).get(DAY / MINUTE + 1)).toContain('silent')
  })

  test('is not dead because no broker checked: after a pause, a start or an outage it has its full time again', () => {
    const watch = new StaleLeaseDetector(3 * MINUTE)
    const look = looking(watch, (minute) => [lease('quiet', 1), lease('alive', minute)])
    expect(look(0, 20).size).toBe(0)
    // Sixty minutes in which the machine stood still.
    expect(look(80, 106).size).toBe(0)
    expect([...look(107, 107).keys()]).toEqual([107])
    watch.reset()
    expect(look(108, 134).size).toBe(0)
  })

  test('has all its time again when its gateway comes back after a silence', () => {
    const isAway = (minute: number) => minute > 20 && minute <= 60
    // Each tells every 5 minutes, at a time of its own.
    const heard = (minute: number, own: number) => Math.floor(((isAway(minute) ? 20 : minute) - own) / 5)
    const look = looking(new StaleLeaseDetector(3 * MINUTE), (minute) => [
      ...[0, 1, 2, 3, 4].map((own) => lease(`alive ${own}`, heard(minute, own))),
      lease('dead', minute < 20 ? minute : 20),
    ])
    expect(look(0, 85).size).toBe(0)
    expect([...look(86, 90).values()].flat()).toContain('dead')
    expect([...look(91, 200).values()].flat()).not.toContain('alive 3')
  })

  test('that has spoken again is alive, whatever the times that its news carry', () => {
    const look = looking(new StaleLeaseDetector(3 * MINUTE), (minute) => [
      lease('of a clock that is behind', -minute),
      lease('of a clock that is ahead', 1e12 + minute),
    ])
    expect(look(0, 200).size).toBe(0)
  })

  test('that takes over an address has its full time', () => {
    const look = looking(new StaleLeaseDetector(3 * MINUTE), (minute) => [
      lease(minute < 20 ? 'one' : 'the next', 1, { address: 'a' }),
      lease('alive', minute),
    ])
    expect([...look(0, 46).keys()]).toEqual([46])
  })
})
