import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Gate } from '../../src/pacing/gate.ts'

test('a gate that stays shut lets go of every task at its deadline', async () => {
  const gate = new Gate({ clock: systemClock, intervalMs: 5 })
  const now = systemClock.monotonic()
  const early = gate.passed(now + 50)
  const late = gate.passed(now + 60_000)
  expect(gate.waiting).toBe(2)
  await early
  expect([gate.isOpen, gate.waiting]).toEqual([false, 1])
  const isWaiting = await Promise.race([late, sleep(20, 'it waits')])
  expect(isWaiting).toBe('it waits')
  gate.open()
  await late
  await gate.passed(now)
  expect([gate.isOpen, gate.waiting]).toEqual([true, 0])
})
