import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTimeZone, isWithinWindow, type TimeWindow, WEEKDAYS } from '../../src/domain/time-window.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const NIGHT = { from: 22 * 60, to: 6 * 60 }

function windowOf(more: Partial<TimeWindow>): TimeWindow {
  return { days: WEEKDAYS, from: 0, to: 24 * 60, zone: 'UTC', ...more }
}

/** Whether it is open at each of the moments. */
const openAt = (window: TimeWindow, ...moments: readonly string[]) =>
  moments.map((moment) => isWithinWindow(window, Date.parse(moment)))

/** Milliseconds for which it is open between two moments, minute by minute. */
function openFor(window: TimeWindow, from: string, until: string): number {
  let open = 0
  for (let at = Date.parse(from); at < Date.parse(until); at += MINUTE)
    if (isWithinWindow(window, at)) open += MINUTE
  return open
}

describe('a window of time', () => {
  test('begins with its first minute and is over at its end', () => {
    const office = windowOf({ from: 8 * 60, to: 18 * 60 })
    const moments = ['07:59:59.999', '08:00:00', '17:59:59.999', '18:00:00'].map(
      (time) => `2026-03-04T${time}Z`,
    )
    expect(openAt(office, ...moments)).toEqual([false, true, true, false])
  })

  test('of a whole day has no gap at midnight', () => {
    expect(openAt(windowOf({}), '2026-03-04T00:00:00Z', '2026-03-04T23:59:59.999Z')).toEqual([true, true])
  })

  test('goes by the day and hour of its own zone', () => {
    // Friday 23:30 in Berlin is Friday 22:30 in UTC and Saturday 06:30 in Shanghai.
    const moment = '2026-01-09T22:30:00Z'
    for (const [zone, day] of [
      ['Europe/Berlin', 'fri'],
      ['UTC', 'fri'],
      ['Asia/Shanghai', 'sat'],
      ['America/Los_Angeles', 'fri'],
    ] as const)
      for (const each of WEEKDAYS)
        expect([zone, each, isWithinWindow(windowOf({ zone, days: [each] }), Date.parse(moment))]).toEqual([
          zone,
          each,
          each === day,
        ])
  })

  test('across midnight belongs to the day on which it begins', () => {
    const friday = windowOf({ days: ['fri'], ...NIGHT })
    const moments = ['09T21:59', '09T22:00', '10T05:59', '10T06:00', '09T05:59', '10T22:00']
    const expected = [false, true, true, false, false, false]
    expect(openAt(friday, ...moments.map((each) => `2026-01-${each}:00Z`))).toEqual(expected)
  })

  test('across midnight goes over the edge of the week', () => {
    const sunday = windowOf({ days: ['sun'], ...NIGHT })
    // Sunday the 11th, Monday the 12th.
    const moments = ['2026-01-11T23:00:00Z', '2026-01-12T05:00:00Z', '2026-01-12T23:00:00Z']
    expect(openAt(sunday, ...moments)).toEqual([true, true, false])
    const monday = windowOf({ days: ['mon'], ...NIGHT })
    expect(openAt(monday, ...moments)).toEqual([false, false, true])
  })

  test('follows the clocks when they are put forward', () => {
    // Berlin, 29 March 2026: 02:00 is followed by 03:00.
    const early = windowOf({ from: 60, to: 4 * 60, zone: 'Europe/Berlin' })
    expect(openFor(early, '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z')).toBe(2 * HOUR)
    const left = windowOf({ from: 120, to: 180, zone: 'Europe/Berlin' })
    expect(openFor(left, '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z')).toBe(0)
    expect(openAt(early, '2026-03-29T01:59:00Z', '2026-03-29T02:00:00Z')).toEqual([true, false])
  })

  test('follows the clocks when they are put back', () => {
    // Berlin, 25 October 2026: the hour from 02:00 comes twice.
    const early = windowOf({ from: 60, to: 4 * 60, zone: 'Europe/Berlin' })
    expect(openFor(early, '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')).toBe(4 * HOUR)
    const twice = windowOf({ from: 120, to: 180, zone: 'Europe/Berlin' })
    expect(openFor(twice, '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')).toBe(2 * HOUR)
  })

  test.each([
    // Night by night, also where a clock changes within it: in winter it is 8 h by the wall.
    ['Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z', 7],
    ['Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z', 9],
    ['America/New_York', '2026-03-07T18:00:00Z', '2026-03-08T18:00:00Z', 7],
    ['America/New_York', '2026-10-31T18:00:00Z', '2026-11-01T18:00:00Z', 9],
    ['Australia/Lord_Howe', '2026-04-04T00:00:00Z', '2026-04-05T00:00:00Z', 8.5],
    ['Asia/Shanghai', '2026-03-28T04:00:00Z', '2026-03-29T04:00:00Z', 8],
    ['Asia/Kathmandu', '2026-03-28T04:00:00Z', '2026-03-29T04:00:00Z', 8],
  ])('a night in %s from %s lasts so long', (zone, from, until, hours) => {
    expect(openFor(windowOf({ zone, ...NIGHT }), from, until)).toBe(hours * HOUR)
  })
})

const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Casablanca',
)
const moment = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2035, 0, 1) })
const days = fc.subarray([...WEEKDAYS], { minLength: 1 })
const minute = fc.integer({ min: 0, max: 24 * 60 - 1 })

describe('any window', () => {
  test('and the window of all other hours divide the time: each moment is in one of them', () => {
    const times = fc.uniqueArray(minute, { minLength: 2, maxLength: 2 })
    fc.assert(
      fc.property(zone, times, moment, (where, [from = 0, to = 0], at) => {
        const one = windowOf({ zone: where, from, to })
        const rest = windowOf({ zone: where, from: to, to: from })
        expect(isWithinWindow(one, at)).toBe(!isWithinWindow(rest, at))
      }),
      { numRuns: 300 },
    )
  })

  test('on some days and the same hours on the other days make the same hours on all days', () => {
    const times = fc.uniqueArray(minute, { minLength: 2, maxLength: 2 })
    fc.assert(
      fc.property(zone, days, times, moment, (where, some, [from = 0, to = 0], at) => {
        const hours = { zone: where, from, to }
        const others = WEEKDAYS.filter((day) => !some.includes(day))
        const parts = [some, others].map((each) => isWithinWindow(windowOf({ ...hours, days: each }), at))
        expect(parts.filter(Boolean)).toHaveLength(isWithinWindow(windowOf(hours), at) ? 1 : 0)
      }),
      { numRuns: 300 },
    )
  })

  test('across midnight is its evening and the next morning', () => {
    fc.assert(
      fc.property(zone, days, minute, minute, moment, (where, some, one, other, at) => {
        const [to, from] = [Math.min(one, other), Math.max(one, other)]
        fc.pre(to > 0 && from > to)
        const next = some.map((day) => WEEKDAYS[(WEEKDAYS.indexOf(day) + 1) % 7] ?? 'mon')
        const night = isWithinWindow(windowOf({ zone: where, days: some, from, to }), at)
        const evening = isWithinWindow(windowOf({ zone: where, days: some, from }), at)
        const morning = isWithinWindow(windowOf({ zone: where, days: next, to }), at)
        expect(night).toBe(evening || morning)
      }),
      { numRuns: 300 },
    )
  })
})

test('a time zone has a name, and not an offset', () => {
  const names = [
    'UTC',
    'Europe/Berlin',
    'Asia/Shanghai',
    'america/new_york',
    '+02:00',
    'Berlin',
    '',
    'Mars/Base',
  ]
  expect(names.filter(isTimeZone)).toEqual(['UTC', 'Europe/Berlin', 'Asia/Shanghai', 'america/new_york'])
})
