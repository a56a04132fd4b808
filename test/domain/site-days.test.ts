import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDays, isDay, SiteDays } from '../../src/domain/site-days.ts'
import { isTimeZone } from '../../src/domain/time-window.ts'

const HOUR = 3_600_000

describe('the days of a site', () => {
  test('begin at its midnight, also when the clocks are changed', () => {
    const berlin = new SiteDays('Europe/Berlin')
    // Summer time begins on 2026-03-29 and ends on 2026-10-25.
    const lengths = ['2026-03-28', '2026-03-29', '2026-10-24', '2026-10-25'].map(
      (day) => (berlin.startOf(addDays(day, 1)) - berlin.startOf(day)) / HOUR,
    )
    expect(lengths).toEqual([24, 23, 24, 25])
    expect(new Date(berlin.startOf('2026-03-01')).toISOString()).toBe('2026-02-28T23:00:00.000Z')
    expect(new Date(berlin.startOf('2026-04-01')).toISOString()).toBe('2026-03-31T22:00:00.000Z')
    expect(new Date(berlin.startOf('2026-11-01')).toISOString()).toBe('2026-10-31T23:00:00.000Z')
    expect(berlin.dayOf(Date.parse('2026-03-31T21:59:59.999Z'))).toBe('2026-03-31')
    expect(berlin.dayOf(Date.parse('2026-03-31T22:00:00.000Z'))).toBe('2026-04-01')
  })

  test('begin later where summer time skips midnight', () => {
    const santiago = new SiteDays('America/Santiago')
    const [day] = ['2025-09-07']
    expect(santiago.dayOf(santiago.startOf(day ?? ''))).toBe('2025-09-07')
    expect(santiago.dayOf(santiago.startOf(day ?? '') - 1)).toBe('2025-09-06')
  })

  test('are found for any moment in any zone, whatever was asked before', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Shanghai',
      'Australia/Lord_Howe',
      'Pacific/Kiritimati',
    ]
    const moment = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2035) })
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.array(moment, { minLength: 1, maxLength: 5 }),
        (zone, moments) => {
          const days = new SiteDays(zone)
          for (const at of moments) {
            const day = days.dayOf(at)
            expect(new SiteDays(zone).dayOf(at)).toBe(day)
            expect(days.startOf(day)).toBeLessThanOrEqual(at)
            expect(days.startOf(addDays(day, 1))).toBeGreaterThan(at)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('are days of the calendar, and zones are those of the IANA database', () => {
    expect(
      ['2026-02-28', '2024-02-29', '2026-02-29', '2026-13-01', '2026-1-1', 'today', ''].map(isDay),
    ).toEqual([true, true, false, false, false, false, false])
    expect(['Europe/Berlin', 'UTC', 'Asia/Shanghai', 'Europe/Berlim', '+02:00', ''].map(isTimeZone)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })
})
