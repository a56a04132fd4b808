import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AttemptLimits, Permit } from '../../src/domain/attempt-limits.ts'
import type { PendingChallenge } from '../../src/domain/challenge.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { FailureBudget } from '../../src/domain/lockout.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { challengesWithFallback } from '../../src/ephemeral/challenges-with-fallback.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { redisStore } from '../../src/ephemeral/redis-store.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { withLocalFallback } from '../../src/limits/counter-with-fallback.ts'
import { memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { redisCounter } from '../../src/limits/redis-counter.ts'
import type { RedisConnection } from '../../src/redis/connection.ts'
import { RetryQueue } from '../../src/redis/retry-queue.ts'
import { describeWith } from '../real/needs.ts'
import { type RealRedis, startRedis } from '../real/redis.ts'
import { connected, isReadyWithin, type RecordedLog, recordedLog, testKeys } from '../redis/connected.ts'

/** Milliseconds: what the client waits for an answer, and what a loaded machine may add. */
const KNOWN_WITHIN = 201 + 150
const OVER_WITHIN = 500 + 300
const AFTER = 4
const PARALLEL = 200

const rate = { points: 1000, windowMs: 60_000 }
const rules = {
  rates: { user: rate, address: rate, gateway: rate },
  lockout: { after: AFTER, userAfter: 100, addressAfter: 100, withinMs: 60_000 },
  inFlightMs: 10_000,
}

interface Broker {
  readonly connection: RedisConnection
  readonly limits: AttemptLimits
  readonly challenges: ReturnType<typeof challengesWithFallback>
  readonly retries: RetryQueue
  readonly log: RecordedLog
}

async function startBroker(port: number): Promise<Broker> {
  const log = recordedLog()
  const connection = await connected(
    { servers: { kind: 'single', server: { host: '127.0.0.1', port }, database: 0 } },
    log,
  )
  const local = memoryCounter(counterRules(rules, 2), { clock: systemClock })
  const retries = new RetryQueue({ maxAgeMs: rules.inFlightMs, clock: systemClock })
  connection.onReady(() => retries.flush())
  const shared = redisCounter(counterRules(rules), connection)
  const counter = withLocalFallback({ shared, local, retries, clock: systemClock, log })
  const challenges = challengesWithFallback({
    shared: redisStore({ name: 'challenges', connection, keys: testKeys, log }),
    local: memoryStore({ name: 'challenges', clock: systemClock, capacity: 1000 }),
    spent: memoryStore({ name: 'spent challenges', clock: systemClock, capacity: 1000 }),
    retries,
    clock: systemClock,
  })
  return { connection, limits: attemptLimits(counter, new ProcessId(systemRandom)), challenges, retries, log }
}

/** Each begins an outage and returns how to end it. */
const OUTAGES: readonly (readonly [string, (redis: RealRedis) => Promise<() => Promise<void>>])[] = [
  [
    'is killed',
    async (redis) => {
      await redis.kill()
      return redis.start
    },
  ],
  [
    'hangs',
    async (redis) => {
      redis.signal('SIGSTOP')
      return async () => redis.signal('SIGCONT')
    },
  ],
  [
    'pauses its writes',
    async (redis) => {
      await redis.cli('client', 'pause', '60000', 'write')
      return async () => {
        await redis.cli('client', 'unpause')
      }
    },
  ],
]

const CHALLENGE: PendingChallenge = {
  user: 'bob',
  gateway: 'gw1',
  person: { subject: 'bob', source: 'local', groups: ['staff'], attributes: {} },
  wrongCodes: 0,
  enrolments: [],
}

describeWith(['redis-server', 'redis-cli'], 'while Redis is away', () => {
  describe.each(OUTAGES)('because it %s', (how, begin) => {
    const resources = new AsyncDisposableStack()
    let redis: RealRedis
    let here: Broker
    let there: Broker
    let end: () => Promise<void>
    let user = 0
    const subject = () => ({ user: `user${user}`, address: '198.51.100.7', gateway: 'gw1' })

    beforeAll(async () => {
      redis = await startRedis()
      resources.defer(redis.stop)
      here = await startBroker(redis.port)
      resources.defer(here.connection.close)
      there = await startBroker(redis.port)
      resources.defer(there.connection.close)
    })
    afterAll(() => resources.disposeAsync())
    beforeEach(() => {
      user += 1
    })

    async function permitOf(limits: AttemptLimits): Promise<Permit> {
      const answer = await limits.take(subject())
      return answer.kind === 'permit' ? answer : expect.unreachable(answer.kind)
    }

    async function isOver(): Promise<number> {
      const started = performance.now()
      await end()
      await Promise.all([here, there].map(({ connection }) => isReadyWithin(connection, 10_000)))
      return performance.now() - started
    }

    test('each broker counts alone with its share of the limits, noticed at once and over soon after', async () => {
      await permitOf(here.limits)
      end = await begin(redis)
      const started = performance.now()
      await permitOf(here.limits)
      expect(performance.now() - started).toBeLessThan(KNOWN_WITHIN)

      user += 1
      const answers = await Promise.all(
        Array.from({ length: PARALLEL }, (_, i) => (i % 2 === 0 ? here : there).limits.take(subject())),
      )
      expect(answers.filter(({ kind }) => kind === 'permit')).toHaveLength(AFTER)
      await sleep(1500)
      const later = performance.now()
      await here.limits.take({ ...subject(), user: 'another' })
      // A pause is not to be told from a moment's hesitation: each command waits its time.
      expect(performance.now() - later).toBeLessThan(how === 'pauses its writes' ? KNOWN_WITHIN : 50)

      expect(await isOver()).toBeLessThan(OVER_WITHIN)
      user += 1
      const shared = await Promise.all(
        Array.from({ length: PARALLEL }, (_, i) => (i % 2 === 0 ? here : there).limits.take(subject())),
      )
      expect(shared.filter(({ kind }) => kind === 'permit')).toHaveLength(AFTER)
      expect(here.log.events.filter((event) => event.startsWith('limits.'))).toEqual([
        'limits.alone',
        'limits.shared',
      ])
    })

    test('an attempt from before the outage that ends during it, or the reverse, throws nothing and is not lost', async () => {
      const before = [await permitOf(here.limits), await permitOf(here.limits), await permitOf(here.limits)]
      end = await begin(redis)
      const scopesToLock: (readonly FailureBudget[])[] = []
      const fail = (permit: Permit) =>
        permit.fail(async (full) => {
          scopesToLock.push(full)
        })
      const [succeeds, isWithdrawn, fails] = before
      if (succeeds === undefined || isWithdrawn === undefined || fails === undefined) return
      await succeeds.succeed()
      await isWithdrawn.refund()
      await fail(fails)
      await fail(await permitOf(here.limits))
      // Two of four failures are this broker's part.
      expect(scopesToLock).toEqual([[], ['user_address']])
      const meanwhile = [await permitOf(here.limits), await permitOf(here.limits)]

      await isOver()
      for (const permit of meanwhile) await permit.succeed()
      await expect.poll(() => here.retries.isEmpty).toBe(true)
      const answers = await Promise.all(Array.from({ length: 20 }, () => there.limits.take(subject())))
      const permits = answers.filter((answer) => answer.kind === 'permit')
      // What could not be given back is; the one that failed is in flight there, or was forgotten with its lock.
      expect(permits.length).toBeGreaterThanOrEqual(AFTER - 1)
      expect(permits.length).toBeLessThanOrEqual(AFTER)
    })

    test('a command that Redis executes too late counts for nothing', async () => {
      end = await begin(redis)
      const answers = await Promise.all(Array.from({ length: 20 }, () => here.limits.take(subject())))
      expect(answers.filter(({ kind }) => kind === 'permit')).toHaveLength(AFTER / 2)
      await sleep(400)
      await isOver()
      const shared = await Promise.all(Array.from({ length: 20 }, () => there.limits.take(subject())))
      expect(shared.filter(({ kind }) => kind === 'permit')).toHaveLength(AFTER)
    })

    test('a challenge is answered once, by the broker that made it; any broker answers one from before or after', async () => {
      const put = (broker: Broker, state: string) => broker.challenges.put(state, CHALLENGE, 60_000)
      const states = ['before-1', 'before-2', 'before-3'].map((state) => `${state} ${user}`)
      for (const state of states) await put(here, state)
      const [first = '', second = '', third = ''] = states
      expect(await there.challenges.take(first)).toEqual(CHALLENGE)

      end = await begin(redis)
      expect(await here.challenges.take(second)).toEqual(CHALLENGE)
      expect(await here.challenges.take(second)).toBeUndefined()
      await expect(there.challenges.take(third)).rejects.toThrow(Unavailable)
      await put(here, `meanwhile ${user}`)
      await put(here, `meanwhile too ${user}`)
      expect(await here.challenges.take(`meanwhile ${user}`)).toEqual(CHALLENGE)
      expect(await here.challenges.take(`meanwhile ${user}`)).toBeUndefined()

      await isOver()
      // Without another challenge that would take it along.
      await expect.poll(() => here.retries.isEmpty).toBe(true)
      expect(await there.challenges.take(second)).toBeUndefined()
      expect(await here.challenges.take(second)).toBeUndefined()
      expect(await here.challenges.take(`meanwhile too ${user}`)).toEqual(CHALLENGE)
      expect(await here.challenges.take(`meanwhile too ${user}`)).toBeUndefined()
      await put(here, `after ${user}`)
      expect(await there.challenges.take(`after ${user}`)).toEqual(CHALLENGE)
    })
  })

  test('a client that stops by itself reconnects, and a closed one does not', async () => {
    await using resources = new AsyncDisposableStack()
    const redis = await startRedis()
    resources.defer(redis.stop)
    const { connection } = await startBroker(redis.port)
    resources.defer(connection.close)
    connection.client.disconnect()
    expect(await isReadyWithin(connection, 5000)).toBeLessThan(OVER_WITHIN)
    connection.close()
    await sleep(500)
    await expect(connection.checkReady()).rejects.toThrow(Unavailable)
  })
})
