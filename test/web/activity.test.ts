import { expect, test } from 'vitest'
import type { AuditCount, AuditStore } from '../../src/domain/audit.ts'
import { Activity } from '../../src/web/desk/activity.ts'

const HOUR_MS = 3_600_000
const NOON = 500_000 * HOUR_MS

/** A trail in which so many were let in and refused in the hour that begins at a moment. */
function trailOf(counts: Readonly<Record<number, readonly [logins: number, refused: number]>>) {
  const asked: number[] = []
  const count: AuditStore['count'] = async (_kinds, since) => {
    asked.push(since)
    const [logins = 0, refused = 0] = counts[since] ?? []
    const answer: AuditCount[] = [
      { at: since, kind: 'login.accepted', count: logins },
      { at: since, kind: 'login.refused', count: refused },
    ]
    return answer.filter((each) => each.count > 0)
  }
  return { asked, trail: { count } }
}

test('a day has 24 hours, of which the present one is the last', async () => {
  const { trail } = trailOf({
    [NOON]: [2, 1],
    [NOON - 23 * HOUR_MS]: [4, 4],
    [NOON - 24 * HOUR_MS]: [99, 99],
  })
  const { hours, logins, refused, most } = await new Activity(trail).until(NOON + 1_800_000)
  expect(hours).toHaveLength(24)
  expect(hours.at(0)).toMatchObject({ at: NOON - 23 * HOUR_MS, logins: 4, refused: 4, x: 0 })
  expect(hours.at(-1)).toMatchObject({ at: NOON, logins: 2, refused: 1 })
  expect([logins, refused, most]).toEqual([6, 5, 8])
})

test('the busiest hour fills the chart, and bars are stacked', async () => {
  const { trail } = trailOf({ [NOON]: [6, 2], [NOON - HOUR_MS]: [4, 0] })
  const { hours, height } = await new Activity(trail).until(NOON)
  expect(hours.at(-1)).toMatchObject({ refusedY: 0, loginsHeight: height * 0.75, loginsY: height * 0.25 })
  expect(hours.at(-2)).toMatchObject({ loginsHeight: height / 2, loginsY: height / 2, refusedHeight: 0 })
})

test('a day without a login is a flat line', async () => {
  const { hours, most } = await new Activity(trailOf({}).trail).until(NOON)
  expect(most).toBe(0)
  for (const { loginsHeight, refusedHeight } of hours) expect([loginsHeight, refusedHeight]).toEqual([0, 0])
})

test('past hours are counted once, the present hour at most every few seconds', async () => {
  const { asked, trail } = trailOf({})
  const activity = new Activity(trail)
  await activity.until(NOON + 120_000)
  expect(asked).toHaveLength(24)
  await activity.until(NOON + 121_000)
  expect(asked).toHaveLength(24)
  await activity.until(NOON + 140_000)
  expect(asked.slice(24)).toEqual([NOON])
  // The hour that has just ended may still be written to, so it is counted once more.
  await activity.until(NOON + HOUR_MS + 1000)
  expect(asked.slice(25)).toEqual([NOON, NOON + HOUR_MS])
})

test('a failed count is not cached', async () => {
  const { trail } = trailOf({ [NOON]: [1, 0] })
  let isOut = true
  const activity = new Activity({
    count: async (...asked) => {
      if (isOut) throw new Error('out')
      return trail.count(...asked)
    },
  })
  await expect(activity.until(NOON)).rejects.toThrow('out')
  isOut = false
  expect((await activity.until(NOON + 1)).logins).toBe(1)
})
