import type { Repositories } from '../../src/store/repositories.ts'
import { id, NOON } from './samples.ts'

/** What people at the desk look at while an attack makes the records grow. */
export function deskQueries(records: () => Repositories): readonly [string, () => Promise<unknown>][] {
  const [user, address, limit] = ['bob', '192.0.2.7', 50]
  const span = { since: NOON, before: NOON + 1, limit }
  const standing = { state: 'in_force', at: NOON } as const
  return [
    ['the attempts by user', () => records().attempts.tally({ by: 'user', ...span })],
    [
      'the attempts of a large network',
      () => records().attempts.tally({ by: 'user', address: '192.0.0.0/16', ...span }),
    ],
    ['the attempts of a user', () => records().attempts.tally({ by: 'address', user, ...span })],
    ['the networks that fail', () => records().attempts.failingNetworks(NOON, NOON + 1, 20)],
    ['who got in from a network', () => records().attempts.letInFrom('192.0.2.0/24', NOON, NOON + 1, 4)],
    ['what happened in a network', () => records().audit.list({ address: '192.0.2.0/24', limit })],
    ['what somebody did', () => records().audit.list({ actor: 'alice (web)', limit })],
    ['what came of an attempt', () => records().audit.list({ attempt: id(), limit })],
    ['the lockouts by hint', () => records().lockouts.countByHint({}, NOON, 1000)],
    ['the lockouts of a hint', () => records().lockouts.list({ hint: 'guessing', standing, limit })],
    ['the number of lockouts in force', () => records().lockouts.countInForce(NOON, 1000)],
    ['the lockouts at an address', () => records().lockouts.list({ address, standing, limit })],
    ['the census', () => records().census.take(NOON)],
    [
      'users who are locked',
      () =>
        records().people.list({
          filter: 'locked',
          now: NOON,
          expiresBefore: NOON,
          takesPasskeys: false,
          limit,
        }),
    ],
  ]
}
