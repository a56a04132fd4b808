import { expect, test } from 'vitest'
import { UnbrokenTime } from '../../src/domain/unbroken-time.ts'

function clock() {
  const time = { wall: 1_000_000, monotonic: 500 }
  return {
    now: () => time.wall,
    monotonic: () => time.monotonic,
    pass(ms: number) {
      time.wall += ms
      time.monotonic += ms
    },
    step(ms: number) {
      time.wall += ms
    },
  }
}

test('time is unbroken from its beginning', () => {
  const at = clock()
  const unbroken = new UnbrokenTime(at)
  expect(unbroken.elapsedMs()).toBe(0)
  at.pass(60_000)
  expect(unbroken.elapsedMs()).toBe(60_000)
})

test('an outage breaks it', () => {
  const at = clock()
  const unbroken = new UnbrokenTime(at)
  at.pass(60_000)
  unbroken.broken()
  at.pass(1000)
  expect(unbroken.elapsedMs()).toBe(1000)
})

test.each([3_600_000, -3_600_000])('a clock that is stepped by %d ms breaks it, once', (step) => {
  const at = clock()
  const unbroken = new UnbrokenTime(at)
  at.pass(60_000)
  at.step(step)
  expect(unbroken.elapsedMs()).toBe(0)
  at.pass(60_000)
  expect(unbroken.elapsedMs()).toBe(60_000)
})

test('a clock that is put right bit by bit does not', () => {
  const at = clock()
  const unbroken = new UnbrokenTime(at)
  at.pass(60_000)
  at.step(30)
  expect(unbroken.elapsedMs()).toBe(60_000)
})
