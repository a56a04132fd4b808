import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Marks } from '../../src/limits/marks.ts'

const LIFE = 100

const key = fc.constantFrom('a', 'b', '__proto__')
const id = fc.constantFrom('1', '2', '3')
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), key, id }),
  fc.record({ what: fc.constant('remove' as const), key, id }),
  fc.record({ what: fc.constant('clear' as const), key }),
  fc.record({ what: fc.constant('wait' as const), ms: fc.nat(LIFE) }),
)

describe('marks', () => {
  it('are those that were made and neither taken back nor lapsed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const marks = new Marks(LIFE, 1000)
        let made: { readonly key: string; readonly id: string; readonly lapse: number }[] = []
        let now = 0
        for (const each of steps) {
          if (each.what === 'wait') now += each.ms
          if (each.what === 'clear') {
            marks.clear(each.key)
            made = made.filter((mark) => mark.key !== each.key)
          }
          if (each.what === 'add' || each.what === 'remove')
            made = made.filter((mark) => mark.key !== each.key || mark.id !== each.id)
          if (each.what === 'remove') marks.remove(each.key, each.id)
          if (each.what === 'add') {
            marks.add(each.key, each.id, now)
            made.push({ key: each.key, id: each.id, lapse: now + LIFE })
          }
          for (const name of ['a', 'b', '__proto__']) {
            const left = made.filter((mark) => mark.key === name && mark.lapse > now)
            const soonest = Math.min(...left.map(({ lapse }) => lapse - now))
            expect(marks.untilNextLapse(name, now)).toBe(soonest)
            expect(marks.count(name, now)).toBe(left.length)
          }
        }
      }),
    )
  })

  it('of too many keys are forgotten, those that were made longest ago first', () => {
    const marks = new Marks(LIFE, 3)
    marks.add('oldest', '1', 0)
    marks.add('used', '1', 1)
    marks.add('other', '1', 2)
    marks.add('used', '2', 3)
    marks.add('fresh', '1', 4)
    expect(['oldest', 'used', 'other', 'fresh'].map((each) => marks.count(each, 5))).toEqual([0, 2, 1, 1])
  })

  it('take room for the keys that live, however many there have been', () => {
    const marks = new Marks(LIFE, 1000)
    for (let now = 0; now < 10_000; now += 20) marks.add(`key ${now}`, '1', now)
    expect(marks.size).toBeLessThanOrEqual(LIFE / 20 + 2)
  })
})
