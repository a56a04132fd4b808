import { expect, test } from 'vitest'
import type { AttemptStore, NetworkHour } from '../../src/domain/attempt-tally.ts'
import { findAttacks } from '../../src/manage/attacks.ts'

const HOUR_MS = 3_600_000
const NOON = 500_000 * HOUR_MS
const MOMENT = { key: '', accepted: 0, refused: 0, locked: 0, addresses: 3, users: 57, first: 0, last: 0 }

function hourOf(network: string, hour: number, failed: number, accepted = 0): NetworkHour {
  return { network, hour, failed, accepted, first: hour + 1, last: hour + HOUR_MS - 1 }
}

function recordsOf(hours: readonly NetworkHour[], letIn: readonly string[] = []): AttemptStore {
  return {
    failingNetworks: async () => hours,
    tally: async () => [MOMENT],
    letInFrom: async (_network, _since, _before, limit) => letIn.slice(0, limit),
  }
}

test('hours that follow each other are one attack, and a night between makes two', async () => {
  const attacks = await findAttacks(
    recordsOf([
      hourOf('45.155.204.0/24', NOON - 20 * HOUR_MS, 100),
      hourOf('45.155.204.0/24', NOON - 19 * HOUR_MS, 50),
      hourOf('45.155.204.0/24', NOON - 2 * HOUR_MS, 30),
    ]),
    NOON,
  )
  expect(attacks).toMatchObject([
    { from: NOON - 20 * HOUR_MS + 1, to: NOON - 18 * HOUR_MS - 1, tries: 150, addresses: 3, names: 57 },
    { tries: 30, isGoingOn: false },
  ])
})

test('what goes on comes first, and an office where most get in is no attack', async () => {
  const attacks = await findAttacks(
    recordsOf([
      hourOf('192.0.2.0/24', NOON - HOUR_MS, 30, 500),
      hourOf('198.51.100.0/24', NOON - 5 * HOUR_MS, 900),
      hourOf('203.0.113.0/24', NOON - HOUR_MS, 40),
    ]),
    NOON,
  )
  expect(attacks.map(({ network, isGoingOn }) => [network, isGoingOn])).toEqual([
    ['203.0.113.0/24', true],
    ['198.51.100.0/24', false],
  ])
})

test('says who got in, and that more did', async () => {
  const hours = [hourOf('45.155.204.0/24', NOON - HOUR_MS, 40)]
  const [few] = await findAttacks(recordsOf(hours, ['li']), NOON)
  expect(few).toMatchObject({ gotIn: ['li'], isMore: false })
  const [many] = await findAttacks(recordsOf(hours, ['a', 'b', 'c', 'd']), NOON)
  expect(many).toMatchObject({ gotIn: ['a', 'b', 'c'], isMore: true })
})
