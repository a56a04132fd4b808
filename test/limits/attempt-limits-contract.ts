import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptLimits, Guesser, LimitReached, Permit } from '../../src/domain/limits.ts'
import type { LockoutScope } from '../../src/domain/lockout.ts'
import type { AttemptLimitRules } from '../../src/limits/attempt-limits.ts'

export interface LimitedBrokers {
  /** The limits of two brokers that share them. */
  limits(rules: AttemptLimitRules): readonly [AttemptLimits, AttemptLimits]
  /** Lets this much time pass. */
  passes(ms: number): Promise<void>
  close(): Promise<void>
}

/** Milliseconds: long enough for a loaded machine to do a handful of steps, short enough to wait for. */
const WINDOW = 1000
const PLENTY = { points: 100_000, windowMs: WINDOW }
const PARALLEL = 200

interface Rules {
  readonly user?: number
  readonly address?: number
  readonly gateway?: number
  readonly after?: number
  readonly userAfter?: number
  readonly addressAfter?: number
  readonly heldMs?: number
}

export function rulesOf({ user, address, gateway, ...rest }: Rules): AttemptLimitRules {
  const rate = (points = PLENTY.points) => ({ ...PLENTY, points })
  return {
    rates: { user: rate(user), address: rate(address), gateway: rate(gateway) },
    lockout: { after: 1000, userAfter: 1000, addressAfter: 1000, withinMs: WINDOW, ...rest },
    heldMs: rest.heldMs ?? 10 * WINDOW,
  }
}

const unique = (what: string) => `${what}-${randomBytes(6).toString('hex')}`

export function somebody(more: Partial<Guesser> = {}): Guesser {
  return { user: unique('user'), address: unique('address'), gateway: unique('gateway'), ...more }
}

export function granted(answer: Permit | LimitReached): Permit {
  return answer.kind === 'permit' ? answer : expect.unreachable(`limited by ${answer.by}`)
}

/** What every implementation of the limits must do; the tests use names of their own and share one store. */
export function attemptLimitsContract(name: string, open: () => Promise<LimitedBrokers>): void {
  describe(`the limits of attempts ${name}`, () => {
    let brokers: LimitedBrokers | undefined
    const opened = (): LimitedBrokers => brokers ?? expect.unreachable('not open')
    const passes = (ms: number) => opened().passes(ms)
    const two = (rules: Rules) => opened().limits(rulesOf(rules))
    const one = (rules: Rules) => two(rules)[0]

    /** Makes one failed guess. @returns the scopes that were to be locked for it. */
    async function fail(limits: AttemptLimits, guesser: Guesser): Promise<readonly LockoutScope[]> {
      return granted(await limits.take(guesser)).failed(async (full) => full)
    }

    /** @returns how many of so many further attempts would be let through. */
    async function room(limits: AttemptLimits, guesser: Guesser, most: number): Promise<number> {
      const answers = await Promise.all(Array.from({ length: most }, () => limits.take(guesser)))
      const permits = answers.filter((answer) => answer.kind === 'permit')
      await Promise.all(permits.map((permit) => permit.withdrawn()))
      return permits.length
    }

    beforeAll(async () => {
      brokers = await open()
    })
    afterAll(() => brokers?.close())

    describe('addresses of one IPv6 customer', () => {
      /** The same customer's, and at the end another's. */
      const [first, second, third, foreign] = [
        '2001:db8:1:2::1',
        '2001:db8:1:2:3:4:5:6',
        '2001:db8:1:2::3',
        '2001:db8:1:3::1',
      ]

      test('share the rate of an address', async () => {
        const limits = one({ address: 2 })
        for (const address of [first, second])
          expect(await limits.take(somebody({ address }))).toMatchObject({ kind: 'permit' })
        expect(await limits.take(somebody({ address: third }))).toMatchObject({ by: 'address' })
        expect(await limits.take(somebody({ address: foreign }))).toMatchObject({ kind: 'permit' })
      })

      test('share the budgets of guesses, at one user and at many', async () => {
        const [user, other] = [unique('user'), unique('user')]
        const pair = one({ after: 2 })
        await fail(pair, somebody({ user, address: first }))
        expect(await fail(pair, somebody({ user, address: foreign }))).toEqual([])
        expect(await fail(pair, somebody({ user, address: second }))).toEqual(['user_address'])
        const many = one({ addressAfter: 2 })
        await fail(many, somebody({ user: other, address: '2001:db8:2::1' }))
        expect(await fail(many, somebody({ address: '2001:db8:2::2' }))).toEqual(['address'])
      })
    })

    describe('rates', () => {
      test.each(['gateway', 'address', 'user'] as const)(
        'let so many attempts of one %s begin',
        async (by) => {
          const limits = one({ [by]: 3 })
          const same = unique(by)
          const next = () => limits.take(somebody({ [by]: same }))
          for (let i = 0; i < 3; i += 1) expect(await next()).toMatchObject({ kind: 'permit' })
          const refused = await next()
          expect(refused).toMatchObject({ kind: 'limited', by })
          expect(refused).toHaveProperty('retryAfterMs', expect.any(Number))
          if (refused.kind !== 'limited') return
          expect(refused.retryAfterMs).toBeGreaterThan(0)
          expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW)
        },
      )

      test('are looked at from the widest on, and what one refuses takes nothing from the others', async () => {
        const limits = one({ gateway: 2, address: 2, user: 2 })
        const victim = somebody()
        const throughGateway = somebody({ gateway: unique('full') })
        for (let i = 0; i < 2; i += 1) await limits.take(somebody({ gateway: throughGateway.gateway }))
        for (let i = 0; i < 5; i += 1) {
          const flood = { ...victim, gateway: throughGateway.gateway }
          expect(await limits.take(flood)).toMatchObject({ by: 'gateway' })
        }
        const fullAddress = unique('full')
        for (let i = 0; i < 2; i += 1) await limits.take(somebody({ address: fullAddress }))
        for (let i = 0; i < 5; i += 1)
          expect(await limits.take({ ...victim, address: fullAddress })).toMatchObject({ by: 'address' })
        expect(await room(limits, victim, 9)).toBe(2)
      })

      test('never let more begin than the limit in any window, at the edge of two windows either', async () => {
        const limits = one({ user: 6 })
        const guesser = somebody()
        const begin = async (most: number) => {
          const answers = await Promise.all(Array.from({ length: most }, () => limits.take(guesser)))
          return answers.filter(({ kind }) => kind === 'permit').length
        }
        expect(await begin(2)).toBe(2)
        await passes(0.7 * WINDOW)
        expect(await begin(9)).toBe(4)
        await passes(0.5 * WINDOW)
        expect(await begin(9)).toBe(2)
        await passes(0.6 * WINDOW)
        expect(await begin(9)).toBe(4)
      })

      test('take back what is withdrawn, once, and nothing that has lapsed', async () => {
        const limits = one({ user: 2 })
        const guesser = somebody()
        const [first, second] = [granted(await limits.take(guesser)), granted(await limits.take(guesser))]
        await first.withdrawn()
        await first.withdrawn()
        expect(await room(limits, guesser, 5)).toBe(1)
        await passes(1.1 * WINDOW)
        await second.withdrawn()
        expect(await room(limits, guesser, 5)).toBe(2)
      })

      test.each(['gateway', 'address', 'user'] as const)(
        'go on counting by the %s what is withdrawn but for that, and by nothing else',
        async (by) => {
          const limits = one({ [by]: 3, after: 2 })
          const guesser = somebody()
          for (let i = 0; i < 2; i += 1) await granted(await limits.take(guesser)).withdrawn([by])
          expect(await room(limits, guesser, 5)).toBe(1)
          expect(await room(limits, { ...somebody(), [by]: guesser[by] }, 5)).toBe(1)
          expect(await room(limits, { ...guesser, [by]: unique(by) }, 5)).toBe(2)
        },
      )

      test('leave the user of what is no guess alone at once, and address and gateway when it is withdrawn', async () => {
        for (const by of ['gateway', 'address'] as const) {
          const limits = one({ user: 2, [by]: 3, after: 2, userAfter: 2, addressAfter: 9 })
          const guesser = somebody()
          const permit = granted(await limits.take(guesser))
          await limits.take(guesser)
          expect(await room(limits, guesser, 5)).toBe(0)
          await permit.spareUser()
          expect(await room(limits, guesser, 5)).toBe(1)
          expect(await room(limits, { ...somebody(), [by]: guesser[by] }, 5)).toBe(1)
          await permit.withdrawn()
          expect(await room(limits, { ...somebody(), [by]: guesser[by] }, 5)).toBe(2)
        }
      })

      test('count a prompt until any broker has its answer, and then the answer alone', async () => {
        const [here, there] = two({ user: 3 })
        const guesser = somebody()
        const prompt = granted(await here.take(guesser))
        await prompt.withdrawn(['user'])
        expect(await room(there, guesser, 5)).toBe(2)
        const answer = granted(await there.take(guesser))
        await there.answered(guesser, prompt.id)
        expect(await room(here, guesser, 5)).toBe(2)
        await answer.succeeded()
        expect(await room(here, guesser, 5)).toBe(3)
        await there.answered(guesser, prompt.id)
        expect(await room(here, guesser, 5)).toBe(3)
      })

      test('keep the points of failed guesses, and give those of successes back', async () => {
        const limits = one({ user: 2 })
        const guesser = somebody()
        for (let i = 0; i < 5; i += 1) await granted(await limits.take(guesser)).succeeded()
        await fail(limits, guesser)
        expect(await room(limits, guesser, 5)).toBe(1)
      })
    })

    describe('budgets of guesses', () => {
      test.each([
        ['of one user from one address', { after: 5 }, ['user', 'address']],
        ['of one user', { userAfter: 5 }, ['user']],
        ['of one address', { addressAfter: 5 }, ['address']],
      ] as const)(
        `let so many ${PARALLEL} parallel guesses through, over two brokers, %s`,
        async (_, rules, same) => {
          const both = two(rules)
          const guesser = somebody()
          const shared = Object.fromEntries(same.map((key) => [key, guesser[key]]))
          const answers = await Promise.all(
            Array.from({ length: PARALLEL }, (_, i) => both[i % 2 === 0 ? 0 : 1].take(somebody(shared))),
          )
          expect(answers.filter(({ kind }) => kind === 'permit')).toHaveLength(5)
          const refused = answers.filter((answer) => answer.kind === 'limited')
          expect(new Set(refused.map(({ by }) => by))).toEqual(new Set(['guesses']))
          expect(refused.filter(({ first }) => first)).toHaveLength(1)
        },
      )

      test('ask for a lock with the failure that fills them, and begin anew when it is made', async () => {
        const [here, there] = two({ after: 3 })
        const guesser = somebody()
        expect(await fail(here, guesser)).toEqual([])
        expect(await fail(there, guesser)).toEqual([])
        const last = granted(await here.take(guesser))
        let made = () => {}
        let told: readonly LockoutScope[] | undefined
        const settled = last.failed(async (full) => {
          told = full
          await new Promise<void>((resolve) => {
            made = resolve
          })
          return 'recorded'
        })
        await expect.poll(() => told).toEqual(['user_address'])
        expect(await there.take(guesser)).toMatchObject({ kind: 'limited', by: 'guesses' })
        made()
        expect(await settled).toBe('recorded')
        expect(await room(there, guesser, 9)).toBe(3)
      })

      const failsUnrecorded = async (limits: AttemptLimits, guesser: Guesser) => {
        const permit = granted(await limits.take(guesser))
        const failure = permit.failed(() => Promise.reject(new Error('the disk is full')))
        await expect(failure).rejects.toThrow('the disk is full')
      }

      test.each([
        ['of one user from one address', { after: 1 }],
        ['of one address', { addressAfter: 1 }],
      ])('%s stay spent where the lock could not be made', async (_, rules) => {
        const limits = one(rules)
        const guesser = somebody()
        await failsUnrecorded(limits, guesser)
        expect(await limits.take(guesser)).toMatchObject({ kind: 'limited', by: 'guesses' })
      })

      test('of one user begin anew then, as only a lock spares the addresses that are known', async () => {
        const limits = one({ userAfter: 2 })
        const user = unique('user')
        for (let i = 0; i < 6; i += 1) await failsUnrecorded(limits, somebody({ user }))
        expect(await limits.take(somebody({ user }))).toMatchObject({ kind: 'permit' })
      })

      test('lock the pair, the user and the address, each by its own count', async () => {
        const rules = { after: 2, userAfter: 3, addressAfter: 4 }
        const limits = one(rules)
        const [user, address] = [unique('user'), unique('address')]
        expect(await fail(limits, somebody({ user, address }))).toEqual([])
        expect(await fail(limits, somebody({ user, address }))).toEqual(['user_address'])
        expect(await fail(limits, somebody({ user }))).toEqual(['user'])
        expect(await fail(limits, somebody({ address }))).toEqual([])
        expect(await fail(limits, somebody({ address }))).toEqual(['address'])
        const twice = one({ after: 1, userAfter: 1 })
        expect(await fail(twice, somebody())).toEqual(['user_address', 'user'])
      })

      test('lock the user, once, where the gateway names no address', async () => {
        const limits = one({ after: 2, userAfter: 2 })
        const { address: _, ...guesser } = somebody()
        expect(await fail(limits, guesser)).toEqual([])
        expect(await fail(limits, guesser)).toEqual(['user'])
      })

      test('forget the failures of a user who got in, not those of the address', async () => {
        const limits = one({ after: 2, userAfter: 2, addressAfter: 3 })
        const guesser = somebody()
        await fail(limits, guesser)
        await granted(await limits.take(guesser)).succeeded()
        expect(await fail(limits, guesser)).toEqual([])
        await granted(await limits.take(guesser)).succeeded()
        expect(await fail(limits, guesser)).toEqual(['address'])
      })

      test('hold the guesses of others in flight when a user gets in', async () => {
        const limits = one({ after: 2 })
        const guesser = somebody()
        const slow = granted(await limits.take(guesser))
        await granted(await limits.take(guesser)).succeeded()
        expect(await room(limits, guesser, 5)).toBe(1)
        expect(await slow.failed(async (full) => full)).toEqual([])
        expect(await room(limits, guesser, 5)).toBe(1)
      })

      test('forget a failure after its time, and a guess in flight that nobody ended after its own', async () => {
        const limits = one({ after: 2, heldMs: 0.5 * WINDOW })
        const guesser = somebody()
        await fail(limits, guesser)
        await limits.take(guesser)
        expect(await limits.take(guesser)).toMatchObject({ by: 'guesses' })
        await passes(0.6 * WINDOW)
        expect(await room(limits, guesser, 5)).toBe(1)
        await passes(0.6 * WINDOW)
        expect(await room(limits, guesser, 5)).toBe(2)
      })

      test('count a failure whose guess was in flight for too long', async () => {
        const limits = one({ after: 1, heldMs: 0.2 * WINDOW })
        const guesser = somebody()
        const slow = granted(await limits.take(guesser))
        await passes(0.3 * WINDOW)
        expect(await slow.failed(async (full) => full)).toEqual(['user_address'])
      })
    })

    test('tell the first that they refuse that it is the first, in each window anew', async () => {
      const [here, there] = two({ user: 1 })
      const guesser = somebody()
      await here.take(guesser)
      const refusals = [await here.take(guesser), await there.take(guesser), await here.take(guesser)]
      expect(refusals.map((refusal) => refusal.kind === 'limited' && refusal.first)).toEqual([
        true,
        false,
        false,
      ])
      await passes(1.1 * WINDOW)
      await here.take(guesser)
      expect(await there.take(guesser)).toMatchObject({ first: true })
    })

    test('take no name for another, whatever is in it', async () => {
      const limits = one({ user: 1, address: 1, after: 1 })
      const tail = unique('x')
      const names: readonly (readonly [user: string, address: string])[] = [
        [`a ${tail}`, 'b'],
        ['a', `${tail} b`],
        [`a"],["${tail}`, 'c'],
        [`{a}${tail}`, 'd'],
        [`}{${tail}:user`, 'e'],
        [`王伟${tail}`, 'f'],
        [`\uD800${tail}`, 'g'],
        [`*${tail}`, 'h'],
      ]
      for (const [user, address] of names) {
        const guesser = somebody({ user, address: `${address}${tail}` })
        expect(await fail(limits, guesser)).toEqual(['user_address'])
      }
    })
  })
}
