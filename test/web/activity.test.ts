import { expect, test } from 'vitest'
import { chartOf, firstHour } from '../../src/web/desk/activity.ts'

const HOUR_MS = 3_600_000
const NOON = 500_000 * HOUR_MS
const MOMENT = { addresses: 1, users: 1, first: 0, last: 0 }

const hour = (at: number, accepted: number, refused: number, locked = 0) => ({
  key: String(at),
  accepted,
  refused,
  locked,
  ...MOMENT,
})

test('a day has 24 hours, of which the present one is the last', () => {
  const now = NOON + HOUR_MS / 2
  const { hours, accepted, refused, locked } = chartOf(
    [hour(NOON, 2, 1, 7), hour(NOON - 23 * HOUR_MS, 4, 4)],
    now,
  )
  expect(hours).toHaveLength(24)
  expect(hours.at(0)).toMatchObject({ at: firstHour(now), accepted: 4, refused: 4 })
  expect(hours.at(-1)).toMatchObject({ at: NOON, accepted: 2, refused: 1, locked: 7 })
  expect([accepted, refused, locked]).toEqual([6, 5, 7])
})

test('each half has a scale of its own, so that an attack does not hide who was let in', () => {
  const { hours, ground, ceiling } = chartOf([hour(NOON, 6, 1000, 1000), hour(NOON - HOUR_MS, 3, 1)], NOON)
  expect(hours.at(-1)).toMatchObject({
    ...{ acceptedY: 0, acceptedHeight: ground },
    ...{
      refusedY: ceiling,
      refusedHeight: ground / 2,
      lockedY: ceiling + ground / 2,
      lockedHeight: ground / 2,
    },
  })
  expect(hours.at(-2)).toMatchObject({ acceptedY: ground / 2, acceptedHeight: ground / 2 })
  expect(hours.at(-2)?.refusedHeight).toBeGreaterThan(0)
})

test('an empty day has no bars', () => {
  const { hours, mostAccepted } = chartOf([], NOON)
  expect(mostAccepted).toBe(0)
  for (const { acceptedHeight, refusedHeight, lockedHeight } of hours)
    expect([acceptedHeight, refusedHeight, lockedHeight]).toEqual([0, 0, 0])
})
