import { describe, expect, test } from 'vitest'
import { octetsText, parseOctets } from '../../src/domain/octets.ts'
import { inForce, type Quota, quotaWords, standingOf } from '../../src/domain/quota.ts'
import type { DayUsage } from '../../src/domain/usage.ts'

const GB = 1_000_000_000

function quota(more: Partial<Quota> = {}): Quota {
  return { measure: 'both', most: 10 * GB, per: 'month', of: 'user', ...more }
}

function used(day: string, octetsIn: number, octetsOut = 0, more: Partial<DayUsage> = {}): DayUsage {
  return { day, seconds: 0, octetsIn, octetsOut, addedOctets: 0, addedSeconds: 0, ...more }
}

function standing(of: Partial<Quota>, today: string, days: readonly DayUsage[]) {
  const { quota: asked, ...rest } = standingOf(inForce(quota(of), 'staff', today), days)
  return { from: asked.from, ...rest }
}

describe('a quota', () => {
  test('counts from the first day of its period, weeks from Monday', () => {
    const from = (per: Quota['per'], today: string) => inForce(quota({ per }), 'staff', today).from
    expect(from('day', '2026-07-25')).toBe('2026-07-25')
    expect(['2026-07-20', '2026-07-25', '2026-07-26', '2026-07-27'].map((day) => from('week', day))).toEqual([
      '2026-07-20',
      '2026-07-20',
      '2026-07-20',
      '2026-07-27',
    ])
    expect(from('month', '2026-02-28')).toBe('2026-02-01')
    expect(from('30d', '2026-03-01')).toBe('2026-01-31')
  })

  test('begins again with the next period', () => {
    const again = (per: Quota['per'], today: string) => standing({ per }, today, []).beginsAgain
    expect(again('day', '2026-12-31')).toBe('2027-01-01')
    expect(again('week', '2026-12-31')).toBe('2027-01-04')
    expect(
      ['2026-01-31', '2026-02-01', '2024-02-29', '2026-12-05'].map((day) => again('month', day)),
    ).toEqual(['2026-02-01', '2026-03-01', '2024-03-01', '2027-01-01'])
  })

  test('of the last 30 days gives free each day what was used 30 days before', () => {
    const days = [used('2026-07-01', 6 * GB), used('2026-07-20', 3 * GB), used('2026-07-25', 2 * GB)]
    expect(standing({ per: '30d' }, '2026-07-25', days)).toEqual({
      from: '2026-06-26',
      used: 11 * GB,
      most: 10 * GB,
      left: 0,
      beginsAgain: '2026-07-31',
    })
    expect(standing({ per: '30d' }, '2026-07-31', days)).toMatchObject({ used: 5 * GB, left: 5 * GB })
    // What was added ends with its day, too.
    const added = used('2026-07-02', 0, 0, { addedOctets: 5 * GB })
    expect(standing({ per: '30d' }, '2026-07-25', [...days, added])).toMatchObject({
      most: 15 * GB,
      left: 4 * GB,
    })
    expect(standing({ per: '30d' }, '2026-07-25', [used('2026-07-25', 10 * GB)]).beginsAgain).toBe(
      '2026-08-24',
    )
  })

  test('counts its direction or the time, and what was added in the period', () => {
    const days = [
      used('2026-06-30', 9 * GB, 9 * GB, { seconds: 99, addedOctets: GB }),
      used('2026-07-01', GB, 2 * GB, { seconds: 60 }),
      used('2026-07-25', 0, 0, { addedOctets: 4 * GB, addedSeconds: 30 }),
    ]
    const of = (measure: Quota['measure'], most: number) => {
      const { used: spent, most: whole, left } = standing({ measure, most }, '2026-07-31', days)
      return [spent, whole, left]
    }
    expect(of('up', GB)).toEqual([GB, 5 * GB, 4 * GB])
    expect(of('down', GB)).toEqual([2 * GB, 5 * GB, 3 * GB])
    expect(of('both', GB)).toEqual([3 * GB, 5 * GB, 2 * GB])
    expect(of('time', 30)).toEqual([60, 60, 0])
  })

  test('is told in words', () => {
    const all = quota({ of: 'group', per: '30d', measure: 'down' })
    expect(quotaWords(quota(), 10 * GB)).toBe('10 GB of traffic a month')
    expect(quotaWords(all, 1.5 * GB)).toBe('1.5 GB of downloads in 30 days for all of the policy')
    expect(quotaWords(quota({ measure: 'time', per: 'week' }), 144_000)).toBe('40 h of time online a week')
    expect(quotaWords(quota({ measure: 'time', per: 'day' }), 90)).toBe('2 min of time online a day')
  })
})

test('sizes are read and written with their units', () => {
  expect(['50GB', '1.5 TB', '512MiB', '10kb', '0B', '1gib'].map(parseOctets)).toEqual([
    50 * GB,
    1.5e12,
    512 * 2 ** 20,
    10_000,
    0,
    2 ** 30,
  ])
  expect(['50', 'GB', '-1GB', '9999999999TB', '1 GB a day', '1e3GB'].map(parseOctets)).toEqual(
    Array(6).fill(undefined),
  )
  expect([0, 999, 1000, 999_960_000, 1.5e9, 2 ** 50].map(octetsText)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '1 GB',
    '1.5 GB',
    '1.1 PB',
  ])
})
