import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptLimits, LimitSubject, Permit } from '../../src/domain/attempt-limits.ts'
import type { FailureBudget } from '../../src/domain/lockout.ts'
import type { AttemptLimitRules } from '../../src/limits/attempt-limits.ts'
import { directoryContract } from './directory-contract.ts'

export interface LimitedBrokers {
  /** Limits that two brokers share. */
  limits(rules: AttemptLimitRules): readonly [AttemptLimits, AttemptLimits]
  /** Lets time pass. */
  passes(ms: number): Promise<void>
  close(): Promise<void>
}

/** Milliseconds: enough for a few steps on a loaded machine, and short enough to wait for. */
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
  readonly inFlightMs?: number
}

export function rulesOf({ user, address, gateway, ...rest }: Rules): AttemptLimitRules {
  const rate = (points = PLENTY.points) => ({ ...PLENTY, points })
  return {
    // Half of it is for known addresses alone.
    rates: {
      user: rate(user === undefined ? user : 2 * user),
      address: rate(address),
      gateway: rate(gateway),
    },
    lockout: { after: 1000, userAfter: 1000, addressAfter: 1000, withinMs: WINDOW, ...rest },
    inFlightMs: rest.inFlightMs ?? 10 * WINDOW,
  }
}

const unique = (what: string) => `${what}-${randomBytes(6).toString('hex')}`

export function newSubject(more: Partial<LimitSubject> = {}): LimitSubject {
  return { user: unique('user'), address: unique('address'), gateway: unique('gateway'), ...more }
}

export function granted(answer: Awaited<ReturnType<AttemptLimits['take']>>): Permit {
  return answer.kind === 'permit' ? answer : expect.unreachable(JSON.stringify(answer))
}

/** What every implementation of the limits must do. Each test uses new names, so that all can share one store. */
export function attemptLimitsContract(name: string, open: () => Promise<LimitedBrokers>): void {
  describe(`attempt limits ${name}`, () => {
    let brokers: LimitedBrokers | undefined
    const opened = (): LimitedBrokers => brokers ?? expect.unreachable('not open')
    const passes = (ms: number) => opened().passes(ms)
    const two = (rules: Rules) => opened().limits(rulesOf(rules))
    const one = (rules: Rules) => two(rules)[0]

    /** Makes one failed guess. @returns the scopes to be locked. */
    async function fail(limits: AttemptLimits, subject: LimitSubject): Promise<readonly FailureBudget[]> {
      return granted(await limits.take(subject)).fail(async (full) => full)
    }

    /** @returns how many of `attempts` further attempts are permitted. */
    async function room(limits: AttemptLimits, subject: LimitSubject, attempts: number): Promise<number> {
      const answers = await Promise.all(Array.from({ length: attempts }, () => limits.take(subject)))
      const permits = answers.filter((answer) => answer.kind === 'permit')
      await Promise.all(permits.map((permit) => permit.refund()))
      return permits.length
    }

    beforeAll(async () => {
      brokers = await open()
    })
    afterAll(() => brokers?.close())

    directoryContract(() => two({}), passes)

    describe('addresses of one IPv6 customer', () => {
      /** Three of one customer, and one of another. */
      const [first, second, third, foreign] = [
        '2001:db8:1:2::1',
        '2001:db8:1:2:3:4:5:6',
        '2001:db8:1:2::3',
        '2001:db8:1:3::1',
      ]

      test('share the rate of an address', async () => {
        const limits = one({ address: 2 })
        for (const address of [first, second])
          expect(await limits.take(newSubject({ address }))).toMatchObject({ kind: 'permit' })
        expect(await limits.take(newSubject({ address: third }))).toMatchObject({ by: 'address' })
        expect(await limits.take(newSubject({ address: foreign }))).toMatchObject({ kind: 'permit' })
      })

      test('share the budgets of guesses, at one user and at many', async () => {
        const [user, other] = [unique('user'), unique('user')]
        const pair = one({ after: 2 })
        await fail(pair, newSubject({ user, address: first }))
        expect(await fail(pair, newSubject({ user, address: foreign }))).toEqual([])
        expect(await fail(pair, newSubject({ user, address: second }))).toEqual(['user_address'])
        const many = one({ addressAfter: 2 })
        await fail(many, newSubject({ user: other, address: '2001:db8:2::1' }))
        expect(await fail(many, newSubject({ address: '2001:db8:2::2' }))).toEqual(['address'])
      })
    })

    describe('wider networks of IPv6', () => {
      /** One address in each of as many /64 of one /56, or of one /48. */
      const addressesOf = (bits: 56 | 48, count: number) => {
        const site = `2001:db8:${randomBytes(2).toString('hex')}`
        return Array.from(
          { length: count },
          (_, i) => `${site}:${(bits === 56 ? i : i * 256).toString(16)}::1`,
        )
      }

      test.each([
        [56, 4],
        [48, 16],
      ] as const)('have a rate of their own: that of the /%i is %i times as large', async (bits, times) => {
        const limits = one({ address: 2 })
        const addresses = addressesOf(bits, 2 * times + 1)
        const take = async (address = '') => (await limits.take(newSubject({ address }))).kind
        const kinds = await Promise.all(addresses.slice(1).map(take))
        expect(kinds).toEqual(Array(2 * times).fill('permit'))
        expect(await limits.take(newSubject({ address: addresses[0] }))).toMatchObject({ by: 'address' })
        expect(await take('2001:db8:ffff:ffff::1'), 'elsewhere').toBe('permit')
      })

      test.each([
        [56, 4],
        [48, 16],
      ] as const)('have a budget of their own: that of the /%i is %i times as large', async (bits, times) => {
        const limits = one({ addressAfter: 2 })
        const full: string[] = []
        for (const address of addressesOf(bits, 2 * times))
          full.push(...(await fail(limits, newSubject({ address }))))
        expect(full).toEqual([`address_${bits}`])
      })

      test('leave room for a user at a known address', async () => {
        const limits = one({ address: 1 })
        const [mine = '', ...others] = addressesOf(56, 5)
        for (const address of others) granted(await limits.take(newSubject({ address })))
        const subject = newSubject({ address: mine })
        expect(await limits.take(subject, undefined, async () => false)).toMatchObject({ by: 'address' })
        expect(await limits.take(subject, undefined, async () => true)).toMatchObject({ kind: 'permit' })
        expect(await limits.take(subject, undefined, async () => true), 'its own /64').toMatchObject({
          by: 'address',
        })
      })
    })

    describe('a user who is identified under another name', () => {
      const unknown = async () => false
      /** An attempt by a name of its own for one user. */
      const attemptFor = async (limits: AttemptLimits, user: string, address = unique('address')) => {
        const subject = newSubject({ address })
        const permit = granted(await limits.take(subject))
        return { subject, permit, limit: await permit.identify(user, unknown) }
      }

      test('has one budget for all names, in which guesses in flight count as well', async () => {
        const [here, there] = two({ userAfter: 3 })
        const user = unique('user')
        const attempts = [await attemptFor(here, user), await attemptFor(there, user)]
        expect(attempts.map(({ limit }) => limit)).toEqual([undefined, undefined])
        granted(await there.take(newSubject({ user })))
        expect((await attemptFor(here, user)).limit).toMatchObject({ by: 'guesses' })
        for (const { permit } of attempts) expect(await permit.fail(async (full) => full)).toEqual([])
      })

      test('has one budget at each address, and one rate', async () => {
        const limits = one({ after: 1, user: 2 })
        const [user, address] = [unique('user'), unique('address')]
        await attemptFor(limits, user, address)
        expect((await attemptFor(limits, user, address)).limit).toMatchObject({ by: 'guesses' })
        expect((await attemptFor(limits, user)).limit).toBeUndefined()
        expect((await attemptFor(limits, user)).limit).toMatchObject({ by: 'user' })
      })

      test('gives the points of the name back, and takes none twice of address and gateway', async () => {
        const limits = one({ user: 2, address: 2, gateway: 2 })
        const user = unique('user')
        const { subject, permit } = await attemptFor(limits, user)
        const roomOf = (part: Partial<LimitSubject>) => room(limits, newSubject(part), 5)
        const { address, gateway } = subject
        const rooms = () => Promise.all([{ user }, { address }, { gateway }].map(roomOf))
        expect(await roomOf({ user: subject.user })).toBe(2)
        expect(await rooms()).toEqual([1, 1, 1])
        await permit.refund()
        expect(await rooms()).toEqual([2, 2, 2])
      })

      test('has the budget that is full locked, and failures forgiven by a success under any name', async () => {
        const limits = one({ userAfter: 2 })
        const user = unique('user')
        const fails = async () =>
          (await attemptFor(limits, user)).permit.fail(async (full) => full, 'corp/user')
        expect(await fails()).toEqual([])
        await (await attemptFor(limits, user)).permit.succeed('corp/user')
        expect(await fails()).toEqual([])
        expect(await fails()).toEqual(['user'])
      })

      test('has the share of known addresses there, too', async () => {
        const limits = one({ user: 2, userAfter: 1 })
        const user = unique('user')
        granted(await limits.take(newSubject({ user })))
        const permit = granted(await limits.take(newSubject()))
        expect(await permit.identify(user, async () => true)).toBeUndefined()
        expect(await permit.fail(async (full) => full)).toEqual([])
      })

      test('goes on counting under the name where the limit of the user is reached', async () => {
        const limits = one({ userAfter: 1 })
        const user = unique('user')
        await attemptFor(limits, user)
        const { permit, subject, limit } = await attemptFor(limits, user)
        expect(limit).toMatchObject({ kind: 'limited' })
        expect(await limits.take({ ...newSubject(), user: subject.user })).toMatchObject({ by: 'guesses' })
        await permit.refund()
        granted(await limits.take({ ...newSubject(), user: subject.user }))
      })
    })

    describe('a user', () => {
      const known = async () => true

      test('has a share of the rate at known addresses that strangers cannot use', async () => {
        const [here, there] = two({ user: 3 })
        const user = unique('user')
        const stranger = () => here.take(newSubject({ user }), undefined, async () => false)
        for (let i = 0; i < 3; i += 1) granted(await stranger())
        expect(await stranger()).toMatchObject({ by: 'user' })
        const owner = newSubject({ user })
        for (let i = 0; i < 3; i += 1) granted(await there.take(owner, undefined, known))
        expect(await there.take(owner, undefined, known)).toMatchObject({ by: 'user' })
      })

      test('is asked about only where strangers have used up their part', async () => {
        const limits = one({ user: 1, address: 3 })
        const subject = newSubject()
        let asked = 0
        const isKnown = async () => {
          asked += 1
          return true
        }
        const first = granted(await limits.take(subject, undefined, isKnown))
        expect(asked).toBe(0)
        granted(await limits.take(subject, undefined, isKnown))
        expect(asked).toBe(1)
        await first.refund()
        granted(await limits.take(subject, undefined, isKnown))
        for (const address of [subject.address, unique('other')])
          for (let i = 0; i < 3; i += 1) await limits.take(newSubject({ address }), undefined, isKnown)
        expect(asked, 'no room in the address’s own rate is nobody’s share').toBe(1)
      })

      test('gets back what an attempt at a known address took', async () => {
        const limits = one({ user: 1, after: 2 })
        const user = unique('user')
        granted(await limits.take(newSubject({ user })))
        const owner = newSubject({ user })
        for (let i = 0; i < 5; i += 1) await granted(await limits.take(owner, undefined, known)).succeed()
        const failed = granted(await limits.take(owner, undefined, known))
        expect(await failed.fail(async (full) => full)).toEqual([])
        expect(await limits.take(owner, undefined, known)).toMatchObject({ by: 'user' })
      })

      test('has prompts count at one address, and not elsewhere, until they are answered', async () => {
        const limits = one({ user: 2 })
        const thief = newSubject()
        const elsewhere = newSubject({ user: thief.user })
        const prompts: Permit[] = []
        for (let i = 0; i < 4; i += 1) {
          const prompt = granted(await limits.take(thief))
          await prompt.refund(['user_address', 'request'])
          prompts.push(prompt)
        }
        expect(await limits.take(thief)).toMatchObject({ by: 'user_address' })
        expect(await room(limits, elsewhere, 5)).toBe(2)
        await limits.promptAnswered(thief, prompts[0]?.id ?? '')
        expect(await room(limits, thief, 5)).toBe(1)
      })

      test('has no more prompts than four addresses may bring, but for known addresses', async () => {
        const limits = one({ user: 1 })
        const user = unique('user')
        for (let i = 0; i < 8; i += 1)
          await granted(await limits.take(newSubject({ user }))).refund(['user_address'])
        expect(await limits.take(newSubject({ user }))).toMatchObject({ by: 'user_address' })
        const owner = newSubject({ user })
        await granted(await limits.take(owner, undefined, known)).refund(['user_address'])
        granted(await limits.take(owner, undefined, known))
      })
    })

    describe('rates', () => {
      test.each(['gateway', 'address', 'user'] as const)(
        'permit as many attempts of one %s as the limit',
        async (by) => {
          const limits = one({ [by]: 3 })
          const same = unique(by)
          const next = () => limits.take(newSubject({ [by]: same }))
          for (let i = 0; i < 3; i += 1) expect(await next()).toMatchObject({ kind: 'permit' })
          const refused = await next()
          expect(refused).toMatchObject({ kind: 'limited', by })
          expect(refused).toHaveProperty('retryAfterMs', expect.any(Number))
          if (refused.kind !== 'limited') return
          expect(refused.retryAfterMs).toBeGreaterThan(0)
          expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW)
        },
      )

      test('are checked from the widest on, and an attempt that one rejects takes no points from the others', async () => {
        const limits = one({ gateway: 2, address: 2, user: 2 })
        const victim = newSubject()
        const throughGateway = newSubject({ gateway: unique('full') })
        for (let i = 0; i < 2; i += 1) await limits.take(newSubject({ gateway: throughGateway.gateway }))
        for (let i = 0; i < 5; i += 1) {
          const flood = { ...victim, gateway: throughGateway.gateway }
          expect(await limits.take(flood)).toMatchObject({ by: 'gateway' })
        }
        const fullAddress = unique('full')
        for (let i = 0; i < 2; i += 1) await limits.take(newSubject({ address: fullAddress }))
        for (let i = 0; i < 5; i += 1)
          expect(await limits.take({ ...victim, address: fullAddress })).toMatchObject({ by: 'address' })
        expect(await room(limits, victim, 9)).toBe(2)
      })

      test('never permit more than the limit in any window, also across two windows', async () => {
        const limits = one({ user: 6 })
        const subject = newSubject()
        const begin = async (most: number) => {
          const answers = await Promise.all(Array.from({ length: most }, () => limits.take(subject)))
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

      test('are refunded once, and not for attempts that have expired', async () => {
        const limits = one({ user: 2 })
        const subject = newSubject()
        const [first, second] = [granted(await limits.take(subject)), granted(await limits.take(subject))]
        await first.refund()
        await first.refund()
        expect(await room(limits, subject, 5)).toBe(1)
        await passes(1.1 * WINDOW)
        await second.refund()
        expect(await room(limits, subject, 5)).toBe(2)
      })

      test.each(['gateway', 'address', 'user'] as const)(
        'keep counting an attempt by %s alone if it is refunded except for that rate',
        async (by) => {
          const limits = one({ [by]: 3, after: 2 })
          const subject = newSubject()
          for (let i = 0; i < 2; i += 1) await granted(await limits.take(subject)).refund([by])
          expect(await room(limits, subject, 5)).toBe(1)
          expect(await room(limits, { ...newSubject(), [by]: subject[by] }, 5)).toBe(1)
          expect(await room(limits, { ...subject, [by]: unique(by) }, 5)).toBe(2)
        },
      )

      test('release the user of an attempt that is no guess at once, and address and gateway with the refund', async () => {
        for (const by of ['gateway', 'address'] as const) {
          const limits = one({ user: 2, [by]: 3, after: 2, userAfter: 2, addressAfter: 9 })
          const subject = newSubject()
          const permit = granted(await limits.take(subject))
          await limits.take(subject)
          expect(await room(limits, subject, 5)).toBe(0)
          await permit.releaseUser()
          expect(await room(limits, subject, 5)).toBe(1)
          expect(await room(limits, { ...newSubject(), [by]: subject[by] }, 5)).toBe(1)
          await permit.refund()
          expect(await room(limits, { ...newSubject(), [by]: subject[by] }, 5)).toBe(2)
        }
      })

      test('count a prompt until any broker gets its answer, and then only the answer', async () => {
        const [here, there] = two({ user: 2 })
        const subject = newSubject()
        const prompt = async (limits: AttemptLimits) => {
          const permit = granted(await limits.take(subject))
          await permit.refund(['user_address'])
          return permit.id
        }
        const first = await prompt(here)
        for (const limits of [there, here]) await prompt(limits)
        expect(await room(there, subject, 5)).toBe(1)
        const answer = granted(await there.take(subject))
        await there.promptAnswered(subject, first)
        expect(await room(here, subject, 5)).toBe(1)
        await answer.succeed()
        expect(await room(here, subject, 5)).toBe(2)
        await there.promptAnswered(subject, first)
        expect(await room(here, subject, 5)).toBe(2)
      })

      test('keep the points of failed guesses, and refund those of successes', async () => {
        const limits = one({ user: 2 })
        const subject = newSubject()
        for (let i = 0; i < 5; i += 1) await granted(await limits.take(subject)).succeed()
        await fail(limits, subject)
        expect(await room(limits, subject, 5)).toBe(1)
      })
    })

    describe('budgets of guesses', () => {
      test.each([
        ['of one user from one address', { after: 5 }, ['user', 'address']],
        ['of one user', { userAfter: 5 }, ['user']],
        ['of one address', { addressAfter: 5 }, ['address']],
      ] as const)(
        `permit 5 of ${PARALLEL} parallel guesses, over two brokers, %s`,
        async (_, rules, same) => {
          const both = two(rules)
          const subject = newSubject()
          const shared = Object.fromEntries(same.map((key) => [key, subject[key]]))
          const answers = await Promise.all(
            Array.from({ length: PARALLEL }, (_, i) => both[i % 2 === 0 ? 0 : 1].take(newSubject(shared))),
          )
          expect(answers.filter(({ kind }) => kind === 'permit')).toHaveLength(5)
          const refused = answers.filter((answer) => answer.kind === 'limited')
          expect(new Set(refused.map(({ by }) => by))).toEqual(new Set(['guesses']))
          expect(refused.filter(({ first }) => first)).toHaveLength(1)
        },
      )

      test('ask for a lockout with the failure that fills them, and are reset when it is recorded', async () => {
        const [here, there] = two({ after: 3 })
        const subject = newSubject()
        expect(await fail(here, subject)).toEqual([])
        expect(await fail(there, subject)).toEqual([])
        const last = granted(await here.take(subject))
        let made = () => {}
        let scopesToLock: readonly FailureBudget[] | undefined
        const settled = last.fail(async (full) => {
          scopesToLock = full
          await new Promise<void>((resolve) => {
            made = resolve
          })
          return 'recorded'
        })
        await expect.poll(() => scopesToLock).toEqual(['user_address'])
        expect(await there.take(subject)).toMatchObject({ kind: 'limited', by: 'guesses' })
        made()
        expect(await settled).toBe('recorded')
        expect(await room(there, subject, 9)).toBe(3)
      })

      const failsUnrecorded = async (limits: AttemptLimits, subject: LimitSubject) => {
        const permit = granted(await limits.take(subject))
        const failure = permit.fail(() => Promise.reject(new Error('the disk is full')))
        await expect(failure).rejects.toThrow('the disk is full')
      }

      test.each([
        ['of one user from one address', { after: 1 }],
        ['of one address', { addressAfter: 1 }],
        ['of one user', { userAfter: 1 }],
      ])('%s stay spent if the lockout cannot be recorded', async (_, rules) => {
        const limits = one(rules)
        const subject = newSubject()
        await failsUnrecorded(limits, subject)
        expect(await limits.take(subject)).toMatchObject({ kind: 'limited', by: 'guesses' })
      })

      test('of one user that strangers have spent leave the user at a known address the budget there', async () => {
        const limits = one({ after: 2, userAfter: 2 })
        const user = unique('user')
        for (let i = 0; i < 2; i += 1) await failsUnrecorded(limits, newSubject({ user }))
        const owner = newSubject({ user })
        expect(await limits.take(owner, undefined, async () => false)).toMatchObject({ by: 'guesses' })
        const known = () => limits.take(owner, undefined, async () => true)
        for (let i = 0; i < 2; i += 1) granted(await known())
        expect(await known()).toMatchObject({ by: 'guesses' })
      })

      test('lock the pair, the user and the address, each by its own count', async () => {
        const rules = { after: 2, userAfter: 3, addressAfter: 4 }
        const limits = one(rules)
        const [user, address] = [unique('user'), unique('address')]
        expect(await fail(limits, newSubject({ user, address }))).toEqual([])
        expect(await fail(limits, newSubject({ user, address }))).toEqual(['user_address'])
        expect(await fail(limits, newSubject({ user }))).toEqual(['user'])
        expect(await fail(limits, newSubject({ address }))).toEqual([])
        expect(await fail(limits, newSubject({ address }))).toEqual(['address'])
        const twice = one({ after: 1, userAfter: 1 })
        expect(await fail(twice, newSubject())).toEqual(['user_address', 'user'])
      })

      test('lock the user, once, if there is no address', async () => {
        const limits = one({ after: 2, userAfter: 2 })
        const { address: _, ...subject } = newSubject()
        expect(await fail(limits, subject)).toEqual([])
        expect(await fail(limits, subject)).toEqual(['user'])
      })

      test('forget the failures of a user who succeeds, not those of the address', async () => {
        const limits = one({ after: 2, userAfter: 2, addressAfter: 3 })
        const subject = newSubject()
        await fail(limits, subject)
        await granted(await limits.take(subject)).succeed()
        expect(await fail(limits, subject)).toEqual([])
        await granted(await limits.take(subject)).succeed()
        expect(await fail(limits, subject)).toEqual(['address'])
      })

      test('forget the failures of a user who succeeds only at the same source', async () => {
        const [here, there] = two({ after: 3, userAfter: 3 })
        const subject = newSubject()
        const failAt = async (source?: string) =>
          granted(await here.take(subject)).fail(async (full) => full, source)
        await failAt('partner')
        await failAt('corp')
        await granted(await there.take(subject)).succeed('partner')
        expect(await room(there, subject, 5)).toBe(2)
        await granted(await here.take(subject)).succeed('corp')
        expect(await room(here, subject, 5)).toBe(3)
        await failAt()
        await failAt('corp')
        await granted(await here.take(subject)).succeed('corp')
        expect(await room(here, subject, 5), 'a failure at no source is nobody’s').toBe(2)
        await failAt('partner')
        expect(await failAt('corp'), 'a lockout resets all of them').toEqual(['user_address', 'user'])
        expect(await room(there, subject, 5)).toBe(3)
      })

      test('keep other guesses in flight when one succeeds', async () => {
        const limits = one({ after: 2 })
        const subject = newSubject()
        const slow = granted(await limits.take(subject))
        await granted(await limits.take(subject)).succeed()
        expect(await room(limits, subject, 5)).toBe(1)
        expect(await slow.fail(async (full) => full)).toEqual([])
        expect(await room(limits, subject, 5)).toBe(1)
      })

      test('forget a failure after its time, and a guess in flight without an outcome after its own time', async () => {
        const limits = one({ after: 2, inFlightMs: 0.5 * WINDOW })
        const subject = newSubject()
        await fail(limits, subject)
        await limits.take(subject)
        expect(await limits.take(subject)).toMatchObject({ by: 'guesses' })
        await passes(0.6 * WINDOW)
        expect(await room(limits, subject, 5)).toBe(1)
        await passes(0.6 * WINDOW)
        expect(await room(limits, subject, 5)).toBe(2)
      })

      test('count a failure whose guess was in flight for too long', async () => {
        const limits = one({ after: 1, inFlightMs: 0.2 * WINDOW })
        const subject = newSubject()
        const slow = granted(await limits.take(subject))
        await passes(0.3 * WINDOW)
        expect(await slow.fail(async (full) => full)).toEqual(['user_address'])
      })
    })

    describe('a request', () => {
      const none = async () => undefined
      const repeated = { kind: 'repeated' }

      test('is counted once, at any broker, while it is checked and after it failed', async () => {
        const [here, there] = two({ after: 2 })
        const [subject, request] = [newSubject(), unique('request')]
        const first = granted(await here.take(subject, request))
        expect(await there.take(subject, request)).toEqual(repeated)
        await first.fail(none)
        for (let i = 0; i < 5; i += 1) expect(await there.take(subject, request)).toEqual(repeated)
        granted(await there.take(subject, unique('request')))
        expect(await here.take(subject, unique('request'))).toMatchObject({ by: 'guesses' })
      })

      test.each<[string, (permit: Permit) => Promise<unknown>]>([
        ['a success', (permit) => permit.succeed()],
        ['a refusal that is no guess', (permit) => permit.releaseUser()],
        ['a prompt', (permit) => permit.refund(['user_address', 'request'])],
      ])('is not taken again after %s', async (_, settle) => {
        const [here, there] = two({})
        const [subject, request] = [newSubject(), unique('request')]
        await settle(granted(await here.take(subject, request)))
        expect(await there.take(subject, request)).toEqual(repeated)
      })

      test.each([
        ['everything', []],
        ['all but its rates', ['gateway', 'address', 'user']],
      ] as const)('is taken again, once, after an outage that gave back %s', async (_, kept) => {
        const [here, there] = two({ after: 1 })
        const [subject, request] = [newSubject(), unique('request')]
        const permit = granted(await here.take(subject, request))
        await permit.refund(kept)
        granted(await there.take(subject, request))
        await permit.refund(kept)
        expect(await here.take(subject, request), 'another attempt has it now').toEqual(repeated)
      })

      test('that a limit rejected is not known', async () => {
        const limits = one({ user: 1 })
        const [subject, request] = [newSubject(), unique('request')]
        const permit = granted(await limits.take(subject))
        expect(await limits.take(subject, request)).toMatchObject({ by: 'user' })
        await permit.refund()
        granted(await limits.take(subject, request))
      })
    })

    test('tally what is told once, over all brokers, until the tally is ended or forgotten', async () => {
      const [here, there] = two({})
      const [key, other] = [unique('tally'), unique('tally')]
      expect(await here.tally.add(key)).toBe(1)
      expect(await there.tally.add(key)).toBe(2)
      expect(await here.tally.add(other)).toBe(1)
      expect(await here.tally.end(key)).toBe(2)
      expect(await here.tally.end(key)).toBe(0)
      expect(await there.tally.add(key)).toBe(1)
      await passes(2.1 * WINDOW)
      expect(await there.tally.add(key), 'the process that had to end it is gone').toBe(1)
    })

    test('mark the first rejection in each window', async () => {
      const [here, there] = two({ user: 1 })
      const subject = newSubject()
      await here.take(subject)
      const refusals = [await here.take(subject), await there.take(subject), await here.take(subject)]
      expect(refusals.map((refusal) => refusal.kind === 'limited' && refusal.first)).toEqual([
        true,
        false,
        false,
      ])
      await passes(1.1 * WINDOW)
      await here.take(subject)
      expect(await there.take(subject)).toMatchObject({ first: true })
    })

    test('never confuse two names, whatever characters they hold', async () => {
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
        const subject = newSubject({ user, address: `${address}${tail}` })
        expect(await fail(limits, subject)).toEqual(['user_address'])
      }
    })
  })
}
