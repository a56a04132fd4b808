import type { Request } from 'express'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import { noMetrics } from '../../src/domain/metrics.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { SigningIn, type SigningInOptions } from '../../src/http/sign-in-session.ts'

const HOUR = 3_600_000

/** Sign-ins whose end nobody waits for. @returns those that reached the login, and the problems of the others. */
function signingIn(atPortal: SigningInOptions['login']['atPortal']) {
  const reached: LoginAttempt[] = []
  const problems: unknown[] = []
  const signing = new SigningIn({
    login: {
      atPortal(attempt) {
        reached.push(attempt)
        return atPortal(attempt)
      },
      withTicket: () => expect.unreachable('no ticket is shown'),
      stepUp: () => expect.unreachable('nobody is signed in'),
      bySignOn: () => expect.unreachable('there is no single sign-on'),
      withPasskey: () => expect.unreachable('no passkey is shown'),
    },
    sessions: { endingsOf: async () => ({}) },
    noteSignIn: async () => {},
    deadlineMs: HOUR,
    clock: systemClock,
    random: systemRandom,
    metrics: noMetrics,
  })
  const from = async (address: string, count: number) => {
    const request = {
      app: { get: () => () => false },
      socket: { remoteAddress: address },
      headers: {},
      get: () => undefined,
    } as unknown as Request
    for (let number = 0; number < count; number++)
      signing.withPassword(request, 'alice', 'a guess').catch((problem: unknown) => problems.push(problem))
    await new Promise(setImmediate)
  }
  return { reached, problems, from }
}

test('one network has sixteen sign-ins in progress, and leaves the others to the rest', async () => {
  const { reached, problems, from } = signingIn(() => new Promise(() => {}))
  await from('192.0.2.1', 20)
  expect(reached).toHaveLength(16)
  expect(problems).toMatchObject(Array(4).fill({ problem: 'busy' }))
  await from('198.51.100.1', 1)
  expect(reached).toHaveLength(17)
})

test('a refusal that is held back holds no place', async () => {
  const answerAt = systemClock.monotonic() + 10_000
  const refusal = { ...refuse('bad_credentials', 'wrong password'), answerAt }
  const { reached, problems, from } = signingIn(async () => refusal)
  for (let round = 0; round < 3; round++) await from('192.0.2.1', 16)
  expect(problems).toEqual([])
  expect(reached).toHaveLength(48)
})
