import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'

afterEach(() => vi.useRealTimers())

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

describe('identifiers', () => {
  test('are UUIDs of version 7 with the time at which they were made', () => {
    const before = Date.now()
    const id = systemRandom.id()
    expect(id).toMatch(UUID_V7)
    expect(timeOf(id)).toBeGreaterThanOrEqual(before)
    expect(timeOf(id)).toBeLessThanOrEqual(Date.now())
  })

  test('sort by the order in which they were made, also many within one millisecond', () => {
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] })
    const ids = Array.from({ length: 20_000 }, () => systemRandom.id())
    expect(ids.every((id) => UUID_V7.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
    // The clock catches up with what was borrowed from the milliseconds to come.
    expect(timeOf(ids.at(-1) ?? '') - Date.now()).toBeLessThan(20)
  })

  test('keep their order when the clock is set back by an hour', () => {
    vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] })
    const before = systemRandom.id()
    vi.setSystemTime(Date.now() - 3_600_000)
    const after = [systemRandom.id(), systemRandom.id()]
    expect([before, ...after].sort()).toEqual([before, ...after])
  })
})
