import { expect, test } from 'vitest'
import type { StateRequest } from '../../src/cluster/shared-state-client.ts'
import { sharedStateClient } from '../../src/cluster/shared-state-client.ts'
import { SharedStateServer } from '../../src/cluster/shared-state-server.ts'
import type { AttemptLimits } from '../../src/domain/attempt-limits.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import type { FailureBudget } from '../../src/domain/lockout.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { ephemeralStoreContract } from '../ephemeral/store-contract.ts'
import { attemptLimitsContract } from '../limits/attempt-limits-contract.ts'
import { endedProcessContract } from '../limits/ended-process-contract.ts'

const RULES = {
  rates: {
    user: { points: 100, windowMs: 1000 },
    address: { points: 100, windowMs: 1000 },
    gateway: { points: 100, windowMs: 1000 },
  },
  lockout: { after: 3, userAfter: 3, addressAfter: 3, withinMs: 1000 },
  inFlightMs: 60_000,
}
const SOMEBODY = { user: 'alice', address: '198.51.100.1', gateway: 'gw' }

/** The state as the worker with this process id sees it: whatever crosses is plain JSON. */
function stateOf(desk: SharedStateServer, pid: number) {
  return sharedStateClient(async (call) => {
    const asked = JSON.parse(JSON.stringify(call)) as StateRequest
    const answer = JSON.stringify(await desk.answer(asked, pid))
    return answer === undefined ? undefined : JSON.parse(answer)
  })
}

function limitsOf(desk: SharedStateServer, pid: number) {
  return attemptLimits(stateOf(desk, pid).counter(counterRules(RULES)), new ProcessId(systemRandom))
}

function deskBy(clock: Clock): SharedStateServer {
  const desk = new SharedStateServer(clock)
  desk.countBy(counterRules(RULES))
  return desk
}

attemptLimitsContract('in the parent of two workers', async () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now }
  return {
    limits(rules) {
      const desk = new SharedStateServer(clock)
      desk.countBy(counterRules(rules))
      const of = (pid: number) =>
        attemptLimits(stateOf(desk, pid).counter(counterRules(rules)), new ProcessId(systemRandom))
      return [of(1), of(2)]
    },
    async passes(ms) {
      now += ms
    },
    async close() {},
  }
})

endedProcessContract('in the parent of two workers', async () => {
  let desk: SharedStateServer | undefined
  return {
    limits(rules) {
      const opened = new SharedStateServer(systemClock)
      opened.countBy(counterRules(rules))
      const of = (pid: number) =>
        attemptLimits(stateOf(opened, pid).counter(counterRules(rules)), new ProcessId(systemRandom))
      desk = opened
      return [of(1), of(2)]
    },
    end: async () => desk?.forget(1),
    async close() {},
  }
})

ephemeralStoreContract('in the parent', async () => stateOf(deskBy(systemClock), 1).open('tests', 100))

test('open attempts of a worker that died no longer count, and completed ones do', async () => {
  const desk = deskBy(systemClock)
  const [dying, other] = [limitsOf(desk, 1), limitsOf(desk, 2)]
  const failed = await dying.take(SOMEBODY)
  if (failed.kind === 'permit') await failed.fail(async () => undefined)
  for (let count = 0; count < 2; count++) await dying.take(SOMEBODY)
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'limited', by: 'guesses' })
  await desk.forget(1)
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'permit' })
  expect(await other.take(SOMEBODY)).toMatchObject({ kind: 'permit' })
  expect(await other.take(SOMEBODY), 'the failed guess still counts').toMatchObject({ kind: 'limited' })
})

test('what was counted goes on counting by the same rules and by others', async () => {
  const desk = deskBy(systemClock)
  const limits = limitsOf(desk, 1)
  const use = (guesses: number, withinMs = 1000) => {
    const lockout = { after: guesses, userAfter: guesses, addressAfter: guesses, withinMs }
    desk.countBy(counterRules({ ...RULES, lockout }))
  }
  const fail = async (permit: Awaited<ReturnType<AttemptLimits['take']>>) => {
    const locks: FailureBudget[] = []
    if (permit.kind === 'permit') await permit.fail(async (scopes) => locks.push(...scopes))
    return locks
  }
  await fail(await limits.take(SOMEBODY))
  const inFlight = await limits.take(SOMEBODY)
  await limits.take(SOMEBODY)
  use(3)
  expect(await limits.take(SOMEBODY)).toMatchObject({ kind: 'limited', by: 'guesses' })
  use(4, 60_000)
  expect(await limits.take(SOMEBODY), 'one more').toMatchObject({ kind: 'permit' })
  expect(await limits.take(SOMEBODY)).toMatchObject({ kind: 'limited', by: 'guesses' })
  use(2)
  expect(await fail(inFlight), 'it ends by the rules that it began with').toEqual([])
  await desk.forget(1)
  expect(await limits.take(SOMEBODY), 'and counts by the present ones').toMatchObject({ kind: 'limited' })
})
