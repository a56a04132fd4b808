import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { FirstFactorAnswer, IdentityProvider } from '../../src/domain/identity-provider.ts'
import { quietLog } from '../../src/domain/log.ts'
import { Secret } from '../../src/domain/secret.ts'
import { withCircuitBreaker } from '../../src/identity/circuit-breaker.ts'
import { withTimeLimit } from '../../src/identity/time-limit.ts'

const PASSWORD = new Secret('right')
const WRONG: FirstFactorAnswer = { kind: 'wrong', detail: 'no' }

/** A store that takes so long for what the test tells it to answer, on a clock that only this moves. */
function guarded() {
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const state = {
    asked: 0,
    lookedAt: 0,
    isReady: false,
    deadlines: [] as number[],
    tookMs: 1000,
    answer: undefined as typeof WRONG | undefined,
  }
  const store: IdentityProvider = {
    name: 'corp',
    async authenticate(_name, _password, deadline) {
      state.asked += 1
      state.deadlines.push(deadline)
      time.now += state.tookMs
      if (state.answer === undefined) throw new Unavailable('identity corp', 'it does not answer')
      return state.answer
    },
    lookup: async () => ({ kind: 'unknown' }),
    async checkReady() {
      state.lookedAt += 1
      if (!state.isReady) throw new Unavailable('identity corp', 'it does not answer')
    },
  }
  const events: string[] = []
  const note = (event: string) => void events.push(event)
  const log = { ...quietLog, warn: note, info: note }
  const breaker = withCircuitBreaker(store, { clock, log, after: 3, restMs: 2000, slowMs: 200 })
  const login = () => breaker.authenticate('bob', PASSWORD, time.now + 5000)
  return { time, state, store, clock, events, login, breaker }
}

async function outages(login: () => Promise<unknown>, count: number): Promise<void> {
  for (let each = 0; each < count; each++) await expect(login()).rejects.toBeInstanceOf(Unavailable)
}

describe('a store that hangs', () => {
  test('is asked no more after some time-outs in a row, and the refusal says why', async () => {
    const { state, events, login } = guarded()
    await outages(login, 3)
    expect(state.asked).toBe(3)
    await expect(login()).rejects.toThrow('identity corp: not asked for a moment: it does not answer')
    expect(state.asked).toBe(3)
    expect(events).toEqual(['identity.left_alone'])
  })

  test('is tried by one login after a rest, and by all once it has answered', async () => {
    const { time, state, events, login } = guarded()
    await outages(login, 3)
    time.now += 2000
    state.answer = WRONG
    const [trial, another] = [login(), login()]
    await expect(another).rejects.toThrow('not asked')
    expect(await trial).toBe(WRONG)
    expect(await login()).toBe(WRONG)
    expect(events).toEqual(['identity.left_alone', 'identity.asked_again'])
  })

  test('is left alone again where the trial fails too', async () => {
    const { time, state, events, login } = guarded()
    await outages(login, 3)
    time.now += 2000
    await outages(login, 2)
    expect(state.asked).toBe(4)
    expect(events).toEqual(['identity.left_alone'])
  })

  test('is not concluded from time-outs with an answer between', async () => {
    const { state, login } = guarded()
    await outages(login, 2)
    state.answer = WRONG
    await login()
    state.answer = undefined
    await outages(login, 2)
    expect(state.asked).toBe(5)
  })
})

describe('a store that is slow with some questions and ready for others', () => {
  test('is asked on, whatever one stranger tries', async () => {
    const { state, events, login } = guarded()
    state.isReady = true
    await outages(login, 8)
    state.answer = WRONG
    expect(await login()).toBe(WRONG)
    expect(state.asked).toBe(9)
    expect(events).toEqual(['identity.slow', 'identity.slow'])
  })

  test('is not left alone after an answer has shown that it works', async () => {
    const { state, store, clock, events, time } = guarded()
    const looks = Promise.withResolvers<void>()
    const slow = Promise.withResolvers<FirstFactorAnswer>()
    const patient: IdentityProvider = {
      ...store,
      checkReady: () => looks.promise,
      authenticate: (name, ...rest) => (name === 'eve' ? slow.promise : store.authenticate(name, ...rest)),
    }
    const log = { ...quietLog, warn: (event: string) => void events.push(event) }
    const breaker = withCircuitBreaker(patient, { clock, log, after: 3, slowMs: 200 })
    const login = (name = 'bob') => breaker.authenticate(name, PASSWORD, time.now + 5000)
    const eve = login('eve')
    await outages(login, 3)
    await expect(login(), 'nobody waits for the look').rejects.toThrow('not asked')
    slow.resolve(WRONG)
    expect(await eve).toBe(WRONG)
    looks.reject(new Unavailable('identity corp', 'no'))
    state.answer = WRONG
    expect(await login()).toBe(WRONG)
    expect(events).toEqual([])
  })

  test('is asked again as soon as it says so, where it was left alone', async () => {
    const { time, state, events, login } = guarded()
    await outages(login, 3)
    time.now += 2000
    state.isReady = true
    await outages(login, 2)
    expect(state.asked).toBe(5)
    expect(events).toEqual(['identity.left_alone', 'identity.asked_again'])
  })
})

test('a store that is left alone is not prefetched from, and one that hangs during a prefetch is left alone', async () => {
  const { time, state, store, clock, login } = guarded()
  const begins = { count: 0 }
  const early: IdentityProvider = {
    ...store,
    prefetch(name, deadline) {
      begins.count += 1
      return { complete: (password) => store.authenticate(name, password, deadline), [Symbol.dispose]() {} }
    },
  }
  const breaker = withCircuitBreaker(early, { clock, log: quietLog, after: 3, restMs: 2000 })
  const begin = () => breaker.prefetch?.('bob', time.now + 5000)
  await outages(() => begin()?.complete(PASSWORD) ?? login(), 3)
  expect(begins.count).toBe(3)
  expect(begin()).toBeUndefined()
  await expect(breaker.authenticate('bob', PASSWORD, time.now + 5000)).rejects.toThrow('not asked')
  expect(state.asked).toBe(3)
  expect(withCircuitBreaker(store, { clock, log: quietLog }).prefetch).toBeUndefined()
})

test('outages that are known at once are asked for at every login: they cost nobody anything', async () => {
  const { state, login } = guarded()
  state.tookMs = 10
  await outages(login, 20)
  expect(state.asked).toBe(20)
  expect(state.lookedAt).toBe(0)
})

test('an error that is no outage passes through and does not count', async () => {
  const { store, clock, time } = guarded()
  const broken = { ...store, authenticate: () => Promise.reject(new TypeError('a fault of the broker')) }
  const breaker = withCircuitBreaker(broken, { clock, log: quietLog, after: 1 })
  for (let each = 0; each < 3; each++)
    await expect(breaker.authenticate('bob', PASSWORD, time.now)).rejects.toBeInstanceOf(TypeError)
})

describe('a time limit', () => {
  test('is the earlier of its own and the login’s deadline', async () => {
    const { time, state, store, clock } = guarded()
    state.answer = WRONG
    const limited = withTimeLimit(store, { clock, ms: 4000 })
    await limited.authenticate('bob', PASSWORD, time.now + 5000)
    await limited.authenticate('bob', PASSWORD, time.now + 3000)
    expect(state.deadlines).toEqual([4000, 1000 + 3000])
    const startedAt: number[] = []
    const begins = { ...store, prefetch: (_: string, deadline: number) => void startedAt.push(deadline) }
    withTimeLimit(begins, { clock, ms: 4000 }).prefetch?.('bob', time.now + 5000)
    expect(startedAt).toEqual([time.now + 4000])
  })
})
