import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlidingWindow } from '../../src/limits/sliding-window.ts'

const LIFE = 100

const key = fc.constantFrom('a', 'b', '__proto__')
const id = fc.constantFrom('1', '2', '3')
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), key, id }),
  fc.record({ what: fc.constant('remove' as const), key, id }),
  fc.record({ what: fc.constant('clear' as const), key }),
  fc.record({ what: fc.constant('wait' as const), ms: fc.nat(LIFE) }),
)

describe('points', () => {
  it('count until they are removed or expire', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const points = new SlidingWindow(LIFE, 1000)
        let expected: { readonly key: string; readonly id: string; readonly expiry: number }[] = []
        let now = 0
        for (const each of steps) {
          if (each.what === 'wait') now += each.ms
          if (each.what === 'clear') {
            points.clear(each.key)
            expected = expected.filter((point) => point.key !== each.key)
          }
          if (each.what === 'add' || each.what === 'remove')
            expected = expected.filter((point) => point.key !== each.key || point.id !== each.id)
          if (each.what === 'remove') points.remove(each.key, each.id)
          if (each.what === 'add') {
            points.add(each.key, each.id, now)
            expected.push({ key: each.key, id: each.id, expiry: now + LIFE })
          }
          for (const name of ['a', 'b', '__proto__']) {
            const left = expected.filter((point) => point.key === name && point.expiry > now)
            const soonest = Math.min(...left.map(({ expiry }) => expiry - now))
            expect(points.untilNextExpiry(name, now)).toBe(soonest)
            expect(points.count(name, now)).toBe(left.length)
          }
        }
      }),
    )
  })

  it('live as long as the window says that looks at them', () => {
    const points = new SlidingWindow(LIFE, 1000)
    const [shorter, longer] = [points.lasting(LIFE / 2), points.lasting(LIFE * 2)]
    points.add('a', '1', 0)
    longer.add('a', '2', LIFE / 2)
    const soon = LIFE * 0.75
    expect([longer, points].map((each) => each.count('a', soon))).toEqual([2, 2])
    expect([longer, points].map((each) => each.untilNextExpiry('a', soon))).toEqual([LIFE * 1.25, LIFE / 4])
    expect(shorter.count('a', soon)).toBe(1)
  })

  it('of too many keys are forgotten, those added longest ago first', () => {
    const points = new SlidingWindow(LIFE, 3)
    points.add('oldest', '1', 0)
    points.add('used', '1', 1)
    points.add('other', '1', 2)
    points.add('used', '2', 3)
    points.add('fresh', '1', 4)
    expect(['oldest', 'used', 'other', 'fresh'].map((each) => points.count(each, 5))).toEqual([0, 2, 1, 1])
  })

  it('take room only for live keys, however many there have been', () => {
    const points = new SlidingWindow(LIFE, 1000)
    for (let now = 0; now < 10_000; now += 20) points.add(`key ${now}`, '1', now)
    expect(points.size).toBeLessThanOrEqual(LIFE / 20 + 2)
  })
})
