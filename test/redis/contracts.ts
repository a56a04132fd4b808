import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { redisStore } from '../../src/ephemeral/redis-store.ts'
import { webSessions } from '../../src/ephemeral/web-sessions.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { redisCounter } from '../../src/limits/redis-counter.ts'
import { requestLimits } from '../../src/limits/request-limits.ts'
import type { RedisConnection } from '../../src/redis/connection.ts'
import { ephemeralStoreContract } from '../ephemeral/store-contract.ts'
import { webSessionsContract } from '../ephemeral/web-sessions-contract.ts'
import { attemptLimitsContract, granted, newSubject, rulesOf } from '../limits/attempt-limits-contract.ts'
import { endedProcessContract } from '../limits/ended-process-contract.ts'
import { requestLimitsContract } from '../limits/request-limits-contract.ts'
import type { RealRedis } from '../real/redis.ts'
import { recordedLog, testKeys } from './connected.ts'

export interface RunningRedis {
  /** The servers that hold the keys. */
  readonly masters: readonly RealRedis[]
  connect(): Promise<RedisConnection>
  stop(): Promise<void>
}

/** What everything stored in Redis must do, for every kind of Redis. */
export function redisContracts(name: string, start: () => Promise<RunningRedis>): void {
  describe(name, () => {
    const resources = new AsyncDisposableStack()
    let redis: RunningRedis | undefined
    let here: RedisConnection | undefined
    let there: RedisConnection | undefined
    const of = <T>(thing: T | undefined): T => thing ?? expect.unreachable('not started')
    const store = <Value>(kind: string, connection = here) =>
      redisStore<Value>({ name: kind, connection: of(connection), keys: testKeys, log: recordedLog() })

    beforeAll(async () => {
      redis = await start()
      resources.defer(redis.stop)
      here = await redis.connect()
      resources.defer(here.close)
      there = await redis.connect()
      resources.defer(there.close)
    })
    afterAll(() => resources.disposeAsync())

    attemptLimitsContract('in Redis', async () => ({
      limits(rules) {
        const limitsOver = (connection: RedisConnection | undefined) =>
          attemptLimits(redisCounter(counterRules(rules), of(connection)), new ProcessId(systemRandom))
        return [limitsOver(here), limitsOver(there)]
      },
      async passes(ms) {
        await sleep(ms)
      },
      async close() {},
    }))

    endedProcessContract('in Redis', async () => {
      let end = async () => {}
      return {
        limits(rules) {
          const processId = new ProcessId(systemRandom)
          const [counter, other] = [
            redisCounter(counterRules(rules), of(here)),
            redisCounter(counterRules(rules), of(there)),
          ]
          end = () => other.endProcesses([processId.name])
          return [attemptLimits(counter, processId), attemptLimits(other, new ProcessId(systemRandom))]
        },
        end: () => end(),
        async close() {},
      }
    })

    test('a guess that arrives after its process was reported as ended holds no budget', async () => {
      const processId = new ProcessId(systemRandom)
      const counter = redisCounter(counterRules(rulesOf({ after: 1 })), of(here))
      const subject = newSubject()
      await counter.endProcesses([processId.name])
      granted(await attemptLimits(counter, processId).take(subject))
      granted(await attemptLimits(counter, new ProcessId(systemRandom)).take(subject))
    })

    test('failures since a delayed reset was due keep counting', async () => {
      const counter = redisCounter(counterRules(rulesOf({ after: 4 })), of(here))
      const limits = attemptLimits(counter, new ProcessId(systemRandom))
      const subject = newSubject()
      const keysOf = (id: string) => ({
        id,
        rates: [],
        budgets: [{ name: 'user_address', key: JSON.stringify([subject.user, subject.address]) }] as const,
      })
      const fail = async () => granted(await limits.take(subject)).fail(async () => undefined)
      await fail()
      await fail()
      await sleep(300)
      const asked = performance.now()
      await sleep(100)
      await fail()
      granted(await limits.take(subject))
      expect(await limits.take(subject)).toMatchObject({ kind: 'limited', by: 'guesses' })
      await counter.forget(keysOf('one'), ['user_address'], performance.now() - asked)
      granted(await limits.take(subject))
      await counter.refund(keysOf('two'), ['user_address'], [], performance.now() - asked)
      granted(await limits.take(subject))
      expect(await limits.take(subject)).toMatchObject({ kind: 'limited', by: 'guesses' })
    })

    ephemeralStoreContract('in Redis', async () => store('tests'))

    webSessionsContract(
      'in Redis',
      async (limits, clock, hasAuthenticator, present) =>
        webSessions({
          sessions: store('web-sessions'),
          endings: store('endings'),
          hasAuthenticator,
          hasPasskey: async (subject, id) => id === `passkey of ${subject}`,
          present,
          limits,
          clock,
          random: systemRandom,
        }),
      false,
    )

    requestLimitsContract('in Redis', (rates) => [
      requestLimits(rates, { connection: of(here), brokers: 2 }),
      requestLimits(rates, { connection: of(there), brokers: 2 }),
    ])

    describe('values in Redis', () => {
      test('put by one broker can be taken by another', async () => {
        await store<string>('challenges', here).put('state', 'asked here', 60_000)
        expect(await store<string>('challenges', there).take('state')).toBe('asked here')
        expect(await store<string>('challenges', here).take('state')).toBeUndefined()
      })

      test('bound the HTTP requests of one client over two brokers', async () => {
        const rate = { points: 3, windowMs: 60_000 }
        const [one, two] = [here, there].map((connection) =>
          requestLimits({ address: rate, token: rate }, { connection: of(connection), brokers: 2 }),
        )
        const waits = await Promise.all(
          Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two)?.count('token', 'of-a-client')),
        )
        expect(waits.filter((wait) => wait === undefined)).toHaveLength(3)
      })

      test('can be read only with the key, and only in their own place', async () => {
        const { client, key } = of(here)
        const strangers = new KeyRing([{ id: 'test', key: new Secret(Buffer.alloc(32)) }], systemRandom)
        const forged = redisStore<string>({
          name: 'challenges',
          connection: of(here),
          log: recordedLog(),
          keys: strangers,
        })
        const placeOf = (state: string) => key('challenges', hash('sha256', state, 'base64url'))
        const read = (state: string) => store<string>('challenges').get(state)
        await store<string>('challenges').put('mine', 'for mine', 60_000)
        const sealed = (await client.get(placeOf('mine'))) ?? ''
        expect(sealed).not.toContain('for')

        await forged.put('forged', 'by a stranger', 60_000)
        await client.set(placeOf('moved'), sealed, 'PX', 60_000)
        await client.set(placeOf('plain'), '"plain"', 'PX', 60_000)
        await client.set(placeOf('cut'), sealed.slice(0, -5), 'PX', 60_000)
        for (const state of ['forged', 'moved', 'plain', 'cut']) expect(await read(state)).toBeUndefined()
        expect(await read('mine')).toBe('for mine')
        await client.set(key('sessions', hash('sha256', 'mine', 'base64url')), sealed, 'PX', 60_000)
        expect(await store('sessions').get('mine')).toBeUndefined()
      })

      test('expire, are under the prefix, and reveal no user, State or cookie', async () => {
        const once = { points: 1, windowMs: 60_000 }
        const rules = counterRules({
          rates: { user: once, address: once, gateway: once },
          lockout: { after: 2, userAfter: 2, addressAfter: 2, withinMs: 60_000 },
          inFlightMs: 60_000,
        })
        const limits = attemptLimits(redisCounter(rules, of(here)), new ProcessId(systemRandom))
        const subject = { user: 'bob', address: '198.51.100.7', gateway: 'gw1' }
        const permit = await limits.take(subject)
        expect(await limits.take(subject)).toMatchObject({ kind: 'limited', first: true })
        if (permit.kind === 'permit') await permit.fail(async () => undefined)
        await store('challenges').put('a-state-of-a-challenge', { user: 'carol' }, 60_000)

        let seen = 0
        for (const server of of(redis).masters) {
          for (const [key, left] of await server.expiries()) {
            seen += 1
            expect(key).toMatch(/^ocbroker:/)
            expect(key).not.toMatch(/a-state-of|carol/)
            // -1 would mean no expiry; 0 is less than a millisecond.
            expect(left, key).toBeGreaterThanOrEqual(0)
          }
        }
        expect(seen).toBeGreaterThan(5)
      })
    })
  })
}
