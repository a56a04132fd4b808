import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Rate } from '../../src/domain/duration.ts'
import type { RequestLimits } from '../../src/domain/request-limits.ts'
import type { ReloadableRequestLimits } from '../../src/limits/request-limits.ts'

const POINTS = 2

/** @param open limits that two brokers share, with these rates. */
export function requestLimitsContract(
  name: string,
  open: (rates: {
    readonly address: Rate
    readonly token: Rate
  }) => readonly [ReloadableRequestLimits, ReloadableRequestLimits],
): void {
  describe(`limits of HTTP requests ${name}`, () => {
    const rate = { points: POINTS, windowMs: 60_000 }
    const hex = () => randomBytes(2).toString('hex')
    /** How many of so many requests pass, each of which comes from the next of the addresses. */
    async function passed(limits: readonly RequestLimits[], count: number, from: (number: number) => string) {
      let passed = 0
      for (let number = 0; number < count; number++) {
        const waitMs = await limits[number % limits.length]?.count('address', from(number))
        if (waitMs === undefined) passed += 1
        else expect(waitMs).toBeGreaterThan(0)
      }
      return passed
    }

    test.each([
      ['one IPv4 address', () => '198.51.100.7', 1],
      ['a /64', (site: string, i: number) => `${site}:1::${i}`, 1],
      ['a /56', (site: string, i: number) => `${site}:${i.toString(16)}::1`, 4],
      ['a /48', (site: string, i: number) => `${site}:${i.toString(16)}00::1`, 16],
    ] as const)('pass as many of %s as it has', async (_, from, times) => {
      const limits = open({ address: rate, token: rate })
      const site = `2001:db8:${hex()}`
      expect(await passed(limits, 2 * POINTS * times, (number) => from(site, number))).toBe(POINTS * times)
    })

    test('go on counting by other rates what was counted before', async () => {
      const [here, there] = open({ address: rate, token: rate })
      const address = `203.0.113.${Number.parseInt(hex(), 16) % 250}`
      expect(await passed([here], 9, () => address)).toBe(POINTS)
      const next = there.with({ address: { ...rate, points: 4 * POINTS }, token: rate })
      // Those that were refused count, too.
      expect(await passed([next], 9, () => address)).toBeLessThan(4 * POINTS)
      expect(await next.count('address', address)).toBeGreaterThan(0)
    })

    test('take nothing of the neighbours of a client that floods', async () => {
      const limits = open({ address: rate, token: rate })
      const site = `2001:db8:${hex()}`
      expect(await passed(limits, 100, () => `${site}::1`)).toBe(POINTS)
      expect(await passed(limits, 3 * POINTS, (number) => `${site}:${number + 1}::1`)).toBe(3 * POINTS)
    })

    test('give a request back everywhere', async () => {
      const limits = open({ address: rate, token: rate })
      const site = `2001:db8:${hex()}`
      for (let i = 0; i < 100; i++) {
        expect(await limits[0].count('address', `${site}:${i.toString(16)}::1`)).toBeUndefined()
        await limits[1].refund('address', `${site}:${i.toString(16)}::1`)
      }
    })
  })
}
