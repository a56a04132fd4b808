import { expect, onTestFinished, test, vi } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Withdrawal } from '../../src/domain/login-records.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Withdrawals } from '../../src/login/withdrawals.ts'
import { admission, eventOf } from '../store/samples.ts'

function withdrawing(withdraw: (withdrawal: Withdrawal) => Promise<boolean>) {
  const lines: string[] = []
  const write = (event: string) => void lines.push(event)
  const log = { debug: write, info: write, warn: write, error: write }
  const clock = { now: () => 5, monotonic: () => 5 }
  const withdrawals = new Withdrawals({ records: { withdraw }, random: systemRandom, clock, log, everyMs: 5 })
  onTestFinished(() => withdrawals.stop())
  const add = (entry = admission('ann', { kind: 'none' })) => {
    withdrawals.add(entry, eventOf('ann', { kind: 'login.unavailable' }))
    return entry
  }
  return { withdrawals, add, lines }
}

test('a login that was refused is taken back when the records answer, once, under the event of its admission', async () => {
  const asked: Withdrawal[] = []
  let isDown = true
  const { add, lines } = withdrawing(async (withdrawal) => {
    asked.push(withdrawal)
    if (isDown) throw new Unavailable('storage', 'hangs')
    return true
  })
  const { event, session } = add()
  await expect.poll(() => asked.length).toBeGreaterThan(2)
  isDown = false
  await vi.waitFor(() => expect(lines).toEqual(['login.withdrawn']))
  const tries = asked.length
  const [last] = asked.slice(-1)
  expect(last).toMatchObject({
    session: session.id,
    refused: { id: event.id, kind: 'login.unavailable' },
    withdrawn: { kind: 'login.withdrawn', detail: expect.stringContaining(session.id) },
  })
  // Each try is the same call, so that one whose answer was lost can be repeated.
  expect(asked.every((each) => each.withdrawn.id === last?.withdrawn.id)).toBe(true)
  add()
  await expect.poll(() => asked.length).toBe(tries + 1)
})

test('so many wait at most; others are reported, and so is what is left at a stop', async () => {
  const { withdrawals, add, lines } = withdrawing(async () => {
    throw new Unavailable('storage', 'hangs')
  })
  for (let count = 0; count < 1003; count++) add()
  expect(lines).toEqual(Array.from({ length: 3 }, () => 'login.not_withdrawn'))
  await withdrawals.stop()
  expect(lines).toHaveLength(1003)
})
