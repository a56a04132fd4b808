import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import { Run } from '../../src/limits/run.ts'
import type { StateCall } from '../../src/limits/state-calls.ts'
import { StateDesk } from '../../src/limits/state-desk.ts'
import { stateOfParent } from '../../src/limits/state-of-parent.ts'
import { attemptLimitsContract } from './attempt-limits-contract.ts'
import { endedRunContract } from './ended-run-contract.ts'
import { passingStoreContract } from './passing-store-contract.ts'

const RULES = {
  rates: {
    user: { points: 100, windowMs: 1000 },
    address: { points: 100, windowMs: 1000 },
    gateway: { points: 100, windowMs: 1000 },
  },
  lockout: { after: 3, userAfter: 3, addressAfter: 3, withinMs: 1000 },
  heldMs: 60_000,
}
const SOMEBODY = { user: 'alice', address: '198.51.100.1', gateway: 'gw' }

/** The state as the worker with this process id sees it: whatever crosses is plain JSON. */
function stateOf(desk: StateDesk, pid: number) {
  return stateOfParent(async (call) => {
    const asked = JSON.parse(JSON.stringify(call)) as StateCall
    const answer = JSON.stringify(await desk.answer(asked, pid))
    return answer === undefined ? undefined : JSON.parse(answer)
  })
}

function limitsOf(desk: StateDesk, pid: number) {
  return attemptLimits(stateOf(desk, pid).tally(tallyRules(RULES)), new Run(systemRandom))
}

function deskBy(clock: Clock): StateDesk {
  const desk = new StateDesk(clock)
  desk.countBy(tallyRules(RULES))
  return desk
}

attemptLimitsContract('in the parent of two workers', async () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now }
  return {
    limits(rules) {
      const desk = new StateDesk(clock)
      desk.countBy(tallyRules(rules))
      const of = (pid: number) =>
        attemptLimits(stateOf(desk, pid).tally(tallyRules(rules)), new Run(systemRandom))
      return [of(1), of(2)]
    },
    async passes(ms) {
      now += ms
    },
    async close() {},
  }
})

endedRunContract('in the parent of two workers', async () => {
  let desk: StateDesk | undefined
  return {
    limits(rules) {
      const opened = new StateDesk(systemClock)
      opened.countBy(tallyRules(rules))
      const of = (pid: number) =>
        attemptLimits(stateOf(opened, pid).tally(tallyRules(rules)), new Run(systemRandom))
      desk = opened
      return [of(1), of(2)]
    },
    end: async () => desk?.forget(1),
    async close() {},
  }
})

passingStoreContract('in the parent', async () => stateOf(deskBy(systemClock), 1).open('tests', 100))

test('what a worker had begun when it died counts no more, and what it had ended does', async () => {
  const desk = deskBy(systemClock)
  const [dying, other] = [limitsOf(desk, 1), limitsOf(desk, 2)]
  const failed = await dying.take(SOMEBODY)
  if (failed.kind === 'permit') await failed.failed(async () => undefined)
  for (let begun = 0; begun < 2; begun++) await dying.take(SOMEBODY)
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'limited', by: 'guesses' })
  await desk.forget(1)
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'permit' })
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'permit' })
  expect(await other.take(SOMEBODY), 'the failed guess still counts').toMatchObject({ kind: 'limited' })
})

test('the same rules again change no count, and other rules begin a new one', async () => {
  const desk = deskBy(systemClock)
  const limits = limitsOf(desk, 1)
  for (let begun = 0; begun < 3; begun++) await limits.take(SOMEBODY)
  desk.countBy(tallyRules(RULES))
  expect(await limits.take(SOMEBODY)).toMatchObject({ kind: 'limited' })
  desk.countBy(tallyRules({ ...RULES, lockout: { ...RULES.lockout, after: 4 } }))
  expect(await limits.take(SOMEBODY)).toMatchObject({ kind: 'permit' })
})
