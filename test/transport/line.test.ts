import { expect, test } from 'vitest'
import { Line } from '../../src/transport/line.ts'

/** A line by a clock by hand; work ends when it is told to. */
function lineOf(parallel: number, waiting: number) {
  const time = { now: 0 }
  const line = new Line({ parallel, waiting, clock: { now: () => time.now, monotonic: () => time.now } })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const outcomes = new Map<string, unknown>()
  const take = (name: string, until: number) => {
    const work = () => {
      begun.push(name)
      return new Promise<undefined>((resolve) => ends.set(name, () => resolve(undefined)))
    }
    void line.take(until, work).then((outcome) => outcomes.set(name, outcome))
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return { time, take, begun, outcomes, settled, end: (name: string) => ends.get(name)?.() }
}

test('so many are worked on at a time, the others in the order in which they came', async () => {
  const { take, begun, end, settled } = lineOf(1, 10)
  for (const name of ['a', 'b', 'c']) take(name, 1000)
  await settled()
  expect(begun).toEqual(['a'])
  end('a')
  await settled()
  end('b')
  await settled()
  expect(begun).toEqual(['a', 'b', 'c'])
})

test('where no more may wait, the one that has waited longest is given up for the newest', async () => {
  const { take, begun, outcomes, end, settled } = lineOf(1, 2)
  for (const name of ['working', 'oldest', 'older', 'newest']) take(name, 1000)
  await settled()
  expect([...outcomes]).toEqual([['oldest', 'overloaded']])
  end('working')
  await settled()
  expect(begun).toEqual(['working', 'older'])
})

test('work for which nobody waits any more is not begun', async () => {
  const { take, time, begun, outcomes, end, settled } = lineOf(1, 10)
  take('working', 1000)
  take('forgotten', 1000)
  take('awaited', 2000)
  await settled()
  time.now = 1000
  end('working')
  await settled()
  expect(outcomes.get('forgotten')).toBe('too_late')
  expect(begun).toEqual(['working', 'awaited'])
})

test('a place that nobody waits for is free again', async () => {
  const { take, begun, end, settled } = lineOf(1, 10)
  take('a', 1000)
  await settled()
  end('a')
  await settled()
  take('b', 1000)
  await settled()
  expect(begun).toEqual(['a', 'b'])
})
