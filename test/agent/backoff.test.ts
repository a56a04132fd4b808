import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Backoff } from '../../src/agent/backoff.ts'
import { systemRandom } from '../../src/domain/random.ts'

const withOctet = (octet: number) => new Backoff({ ...systemRandom, bytes: () => Buffer.of(octet) })
const waits = (backoff: Backoff) => Array.from({ length: 8 }, () => backoff.next())

test('waits from 1 s to 30 s, longer after each failure, and by chance', () => {
  expect(waits(withOctet(0))).toEqual(Array.from({ length: 8 }, () => 1000))
  expect(waits(withOctet(255))).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])
  fc.assert(
    fc.property(fc.nat({ max: 255 }), (octet) => {
      for (const ms of waits(withOctet(octet))) expect(ms >= 1000 && ms <= 30_000).toBe(true)
    }),
  )
})

test('begins again after a success', () => {
  const backoff = withOctet(255)
  waits(backoff)
  backoff.succeeded()
  expect(backoff.next()).toBe(2000)
})
