import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import type { RedisConnection } from '../../src/limits/redis-connection.ts'
import { redisPassingStore } from '../../src/limits/redis-passing-store.ts'
import { redisTally } from '../../src/limits/redis-tally.ts'
import { requestLimits } from '../../src/limits/request-limits.ts'
import { Run } from '../../src/limits/run.ts'
import { webSessions } from '../../src/limits/web-sessions.ts'
import type { RealRedis } from '../real/redis.ts'
import { attemptLimitsContract, granted, rulesOf, somebody } from './attempt-limits-contract.ts'
import { recordedLog, testKeys } from './connected.ts'
import { endedRunContract } from './ended-run-contract.ts'
import { passingStoreContract } from './passing-store-contract.ts'
import { webSessionsContract } from './web-sessions-contract.ts'

export interface RunningRedis {
  /** Where the keys lie. */
  readonly masters: readonly RealRedis[]
  connect(): Promise<RedisConnection>
  stop(): Promise<void>
}

/** What everything that is kept in Redis must do, whatever kind of Redis it is. */
export function redisContracts(name: string, start: () => Promise<RunningRedis>): void {
  describe(name, () => {
    const resources = new AsyncDisposableStack()
    let redis: RunningRedis | undefined
    let here: RedisConnection | undefined
    let there: RedisConnection | undefined
    const of = <T>(thing: T | undefined): T => thing ?? expect.unreachable('not started')
    const store = <Value>(kind: string, connection = here) =>
      redisPassingStore<Value>({ name: kind, connection: of(connection), keys: testKeys, log: recordedLog() })

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
          attemptLimits(redisTally(tallyRules(rules), of(connection)), new Run(systemRandom))
        return [limitsOver(here), limitsOver(there)]
      },
      async passes(ms) {
        await sleep(ms)
      },
      async close() {},
    }))

    endedRunContract('in Redis', async () => {
      let end = async () => {}
      return {
        limits(rules) {
          const run = new Run(systemRandom)
          const [tally, other] = [
            redisTally(tallyRules(rules), of(here)),
            redisTally(tallyRules(rules), of(there)),
          ]
          end = () => other.end([run.name])
          return [attemptLimits(tally, run), attemptLimits(other, new Run(systemRandom))]
        },
        end: () => end(),
        async close() {},
      }
    })

    test('a guess that Redis counts only when its process has ended holds no budget either', async () => {
      const run = new Run(systemRandom)
      const tally = redisTally(tallyRules(rulesOf({ after: 1 })), of(here))
      const guesser = somebody()
      await tally.end([run.name])
      granted(await attemptLimits(tally, run).take(guesser))
      granted(await attemptLimits(tally, new Run(systemRandom)).take(guesser))
    })

    test('failures since the moment at which they were to be forgotten go on counting', async () => {
      const tally = redisTally(tallyRules(rulesOf({ after: 4 })), of(here))
      const limits = attemptLimits(tally, new Run(systemRandom))
      const guesser = somebody()
      const counted = (id: string) => ({
        ...{ id, rates: [] },
        budgets: [{ scope: 'user_address', key: JSON.stringify([guesser.user, guesser.address]) }] as const,
      })
      const fail = async () => granted(await limits.take(guesser)).failed(async () => undefined)
      await fail()
      await fail()
      await sleep(300)
      const asked = performance.now()
      await sleep(100)
      await fail()
      granted(await limits.take(guesser))
      expect(await limits.take(guesser)).toMatchObject({ kind: 'limited', by: 'guesses' })
      await tally.forget(counted('one'), ['user_address'], performance.now() - asked)
      granted(await limits.take(guesser))
      await tally.giveBack(counted('two'), ['user_address'], [], performance.now() - asked)
      granted(await limits.take(guesser))
      expect(await limits.take(guesser)).toMatchObject({ kind: 'limited', by: 'guesses' })
    })

    passingStoreContract('in Redis', async () => store('tests'))

    webSessionsContract(
      'in Redis',
      async (limits, clock, authenticatorOf) =>
        webSessions({
          ...{ sessions: store('web-sessions'), endings: store('endings') },
          ...{ authenticatorOf, limits, clock },
        }),
      false,
    )

    describe('what is kept in Redis', () => {
      test('that one broker put another can take', async () => {
        await store<string>('challenges', here).put('state', 'asked here', 60_000)
        expect(await store<string>('challenges', there).take('state')).toBe('asked here')
        expect(await store<string>('challenges', here).take('state')).toBeUndefined()
      })

      test('bounds the requests of one client over HTTP, over two brokers', async () => {
        const rate = { points: 3, windowMs: 60_000 }
        const [one, two] = [here, there].map((connection) =>
          requestLimits({ address: rate, token: rate }, { connection: of(connection), brokers: 2 }),
        )
        const waits = await Promise.all(
          Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two)?.count('token', 'of-a-client')),
        )
        expect(waits.filter((wait) => wait === undefined)).toHaveLength(3)
      })

      test('opens for nobody but brokers with the key, and in its own place', async () => {
        const { client, key } = of(here)
        const strangers = new KeyRing([{ id: 'test', key: new Secret(Buffer.alloc(32)) }], systemRandom)
        const forged = redisPassingStore<string>({
          ...{ name: 'challenges', connection: of(here), log: recordedLog() },
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

      test('ends by itself, is under the prefix, and names no user, State or cookie of passing state', async () => {
        const once = { points: 1, windowMs: 60_000 }
        const rules = tallyRules({
          rates: { user: once, address: once, gateway: once },
          lockout: { after: 2, userAfter: 2, addressAfter: 2, withinMs: 60_000 },
          heldMs: 60_000,
        })
        const limits = attemptLimits(redisTally(rules, of(here)), new Run(systemRandom))
        const guesser = { user: 'bob', address: '198.51.100.7', gateway: 'gw1' }
        const permit = await limits.take(guesser)
        expect(await limits.take(guesser)).toMatchObject({ kind: 'limited', first: true })
        if (permit.kind === 'permit') await permit.failed(async () => undefined)
        await store('challenges').put('a-state-of-a-challenge', { user: 'carol' }, 60_000)

        let seen = 0
        for (const server of of(redis).masters) {
          for (const [key, left] of await server.expiries()) {
            seen += 1
            expect(key).toMatch(/^ocbroker:/)
            expect(key).not.toMatch(/a-state-of|carol/)
            // -1 would be for ever, and 0 is less than a millisecond.
            expect(left, key).toBeGreaterThanOrEqual(0)
          }
        }
        expect(seen).toBeGreaterThan(5)
      })
    })
  })
}
