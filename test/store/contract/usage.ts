import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inForce, type Quota } from '../../../src/domain/quota.ts'
import type { AccountingRecord } from '../../../src/domain/session.ts'
import type { CountingRules } from '../../../src/domain/usage.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, HOUR, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'
import { type ReportedSession, reportedSessions } from './reported-sessions.ts'

const DAY = '2026-01-15'
const GB = 1_000_000_000

/** In a day of the year 3000 or later that no other test uses. */
let madeDays = 0
function unusedDay(): string {
  madeDays++
  return new Date(Date.UTC(3000 + madeDays, 0, 1)).toISOString().slice(0, 10)
}

export function usageContract(records: () => Repositories): void {
  const rulesOf = (policy: string, ...quotas: readonly Quota[]): CountingRules => ({
    day: DAY,
    quotas: { [policy]: quotas.map((quota) => inForce(quota, policy, DAY)) },
  })
  /** A user with a session that accounting has named. */
  const connected = async (policy: string, user = unique('user')) => {
    const [acct, address] = [unique('acct'), uniqueAddress()]
    await records().login.admit(
      admission(user, { kind: 'none' }, { address, session: { policy, acctSession: acct } }),
    )
    const report = (octetsIn: number, rules?: CountingRules, more: Partial<AccountingRecord> = {}) =>
      records().sessions.record(
        accounting('interim', user, acct, { address, at: NOON + HOUR, seconds: 60, octetsIn, ...more }),
        rules,
      )
    await records().sessions.record(accounting('start', user, acct, { address }))
    return { user, acct, address, report }
  }
  const totalOf = async (user: string) => (await records().usage.list({ user, limit: 9 }))[0]
  const told = async (user: string | undefined, policy: string) =>
    (await records().audit.list({ user, kinds: ['quota.warned', 'quota.spent'], order: 'oldest', limit: 99 }))
      .filter(({ detail }) => detail?.startsWith(`policy ${policy}:`))
      .map(({ kind, detail }) => [kind, detail])

  describe('usage', () => {
    test('grows by what each record adds to its session, on the day of the record', async () => {
      const policy = unique('policy')
      const { user, report } = await connected(policy)
      await report(100, { day: '2026-01-14', quotas: {} })
      await report(150, { day: DAY, quotas: {} }, { octetsOut: 7 })
      await report(150, { day: DAY, quotas: {} }, { octetsOut: 7 })
      await report(120, { day: '2026-01-14', quotas: {} })
      const { usage } = records()
      expect(await usage.list({ user, perDay: true, limit: 9 })).toEqual([
        { day: '2026-01-14', seconds: 60, octetsIn: 100, octetsOut: 0 },
        { day: DAY, seconds: 0, octetsIn: 50, octetsOut: 7 },
      ])
      const whole = { seconds: 60, octetsIn: 150, octetsOut: 7 }
      expect(await totalOf(user)).toEqual(whole)
      expect(await usage.list({ policy, by: 'gateway', limit: 9 })).toEqual([{ key: 'gw1', ...whole }])
      expect(await usage.list({ policy, by: 'user', limit: 9 })).toEqual([{ key: user, ...whole }])
      expect(await usage.list({ policy, from: DAY, limit: 9 })).toMatchObject([{ octetsIn: 50 }])
      expect(await usage.list({ policy, to: '2026-01-14', by: 'user', perDay: true, limit: 9 })).toEqual([
        { key: user, day: '2026-01-14', seconds: 60, octetsIn: 100, octetsOut: 0 },
      ])
      expect(await usage.list({ user: unique('nobody'), limit: 9 })).toEqual([])
    })

    test('is that of the sessions for any order and repetition of their records', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(reportedSessions, { minLength: 1, maxLength: 3 }), async (all) => {
          const user = unique('user')
          const sums = { seconds: 0, octetsIn: 0, octetsOut: 0 }
          for (const reported of all as readonly ReportedSession[]) {
            const address = uniqueAddress()
            const { login, arrivals, expected } = reported.of(user, unique('acct'), address)
            if (login !== undefined)
              await records().login.admit(admission(user, { kind: 'none' }, { ...login, address }))
            for (const entry of arrivals) await records().sessions.record(entry)
            sums.seconds += expected.seconds ?? 0
            sums.octetsIn += expected.octetsIn ?? 0
            sums.octetsOut += expected.octetsOut ?? 0
          }
          const isNothing = Object.values(sums).every((sum) => sum === 0)
          expect(await records().usage.list({ user, limit: 9 })).toEqual(isNothing ? [] : [sums])
          const byPolicy = await records().usage.list({ user, by: 'policy', limit: 9 })
          expect(byPolicy.every(({ seconds, octetsIn }) => seconds >= 0 && octetsIn >= 0)).toBe(true)
        }),
        { numRuns: 25 },
      )
    })

    test('comes a page at a time, in order', async () => {
      const { sessions, usage } = records()
      const gateway = unique('gw')
      const users = ['a', 'b', 'c'].map((each) => unique(each))
      for (const user of users)
        for (const day of ['2026-02-01', '2026-02-02'])
          await sessions.record(
            { ...accounting('stop', user, unique('acct'), { octetsIn: 5 }), gateway },
            { day, quotas: {} },
          )
      const whole = await usage.list({ gateway, by: 'user', perDay: true, limit: 99 })
      expect(whole.map(({ key, day }) => [key, day])).toEqual(
        users.flatMap((user) => ['2026-02-01', '2026-02-02'].map((day) => [user, day])),
      )
      const paged = []
      for (;;) {
        const page = await usage.list({ gateway, by: 'user', perDay: true, after: paged.at(-1), limit: 2 })
        if (page.length === 0) break
        paged.push(...page)
      }
      expect(paged).toEqual(whole)
    })

    test('of a session that turns out to be that of a login moves to the login', async () => {
      const [user, acct, home, away] = [unique('user'), unique('acct'), uniqueAddress(), uniqueAddress()]
      const policy = unique('policy')
      const { sessions, usage, login } = records()
      await login.admit(
        admission(user, { kind: 'none' }, { address: home, session: { policy, subject: `${user}@corp` } }),
      )
      const entry = (address: string, octetsIn: number) =>
        accounting('interim', user, acct, { address, at: NOON + MINUTE, seconds: 60, octetsIn })
      // The client had moved before its first report: its login is found by a later one.
      await sessions.record(entry(away, 100))
      expect(await usage.list({ user, by: 'policy', limit: 9 })).toMatchObject([{ key: '', octetsIn: 100 }])
      await sessions.record(entry(home, 130))
      expect(await totalOf(user)).toMatchObject({ seconds: 0, octetsIn: 0 })
      expect(await usage.list({ user: `${user}@corp`, by: 'policy', limit: 9 })).toEqual([
        { key: policy, seconds: 60, octetsIn: 130, octetsOut: 0 },
      ])
      expect(await usage.list({ policy, limit: 9 })).toMatchObject([{ octetsIn: 130 }])
    })

    test('outlives the sessions, and is deleted when it is old itself', async () => {
      const { sessions, usage, retention } = records()
      const [user, gateway, day] = [unique('user'), unique('gw'), '1999-05-05']
      await sessions.record(
        { ...accounting('stop', user, unique('acct'), { octetsIn: 5 }), gateway },
        { day, quotas: {} },
      )
      await usage.add({ id: id(), subject: user, day, octets: 5, seconds: 0 })
      const prune = (before: string) => retention.prune({ audit: 0, usage: before, rest: 0 }, 100)
      expect(await prune('1999-05-05')).toBe(0)
      expect(await usage.list({ user, limit: 9 })).toHaveLength(1)
      expect(await prune('1999-05-06')).toBe(3)
      expect(await usage.list({ user, limit: 9 })).toEqual([])
      expect(await usage.list({ gateway, limit: 9 })).toEqual([])
      expect(await sessions.list({ user, limit: 9 })).toHaveLength(1)
    })

    test('takes what a hostile gateway claims', async () => {
      const user = unique('user')
      const most = { seconds: 2 ** 32, octetsIn: Number.MAX_SAFE_INTEGER, octetsOut: Number.MAX_SAFE_INTEGER }
      for (let session = 0; session < 5; session++)
        await records().sessions.record(accounting('stop', user, unique('acct'), most))
      expect((await totalOf(user))?.octetsIn).toBe(2 ** 50)
    })
  })

  describe('a quota', () => {
    const quota: Quota = { measure: 'both', most: GB, per: 'month', of: 'user' }

    test('is told at 80 % and when it is spent, once each, and then ends the sessions of the user', async () => {
      const policy = unique('policy')
      const rules = rulesOf(policy, quota)
      const first = await connected(policy)
      const second = await connected(policy, first.user)
      const other = await connected(policy)
      await first.report(799_999_999, rules)
      expect(await told(first.user, policy)).toEqual([])
      await first.report(800_000_000, rules)
      await first.report(900_000_000, rules)
      const warned = ['quota.warned', `policy ${policy}: 1 GB of traffic a month`]
      expect(await told(first.user, policy)).toEqual([warned])
      const ordered = async () => {
        const open = await records().orders.open('gw1', 10_000)
        return [first, second, other].map(
          ({ acct }) => open.filter(({ target }) => 'session' in target && target.session === acct).length,
        )
      }
      expect(await ordered()).toEqual([0, 0, 0])
      await second.report(100_000_000, rules)
      await second.report(200_000_000, rules, { kind: 'stop' })
      expect(await told(first.user, policy)).toEqual([
        warned,
        ['quota.spent', `policy ${policy}: 1 GB of traffic a month`],
      ])
      expect(await ordered()).toEqual([1, 1, 0])
      // A login that came between is ended by its own first report.
      const late = await connected(policy, first.user)
      await late.report(1, rules)
      const open = await records().orders.open('gw1', 10_000)
      expect(open.filter(({ target }) => 'session' in target && target.session === late.acct)).toMatchObject([
        { kind: 'end', reason: 'quota', user: first.user },
      ])
    })

    test('is told once by records that come at the same moment', async () => {
      const policy = unique('policy')
      const rules = rulesOf(policy, quota)
      const sessions = await Promise.all(Array.from({ length: 8 }, () => connected(policy, `same-${policy}`)))
      await Promise.all(sessions.map(({ report }) => report(GB, rules)))
      expect((await told(`same-${policy}`, policy)).filter(([kind]) => kind === 'quota.spent')).toHaveLength(
        1,
      )
      expect(await totalOf(`same-${policy}`)).toMatchObject({ octetsIn: 8 * GB })
    })

    test('of all sessions of a policy counts those of every user, and ends them', async () => {
      const policy = unique('policy')
      const rules = rulesOf(policy, { ...quota, measure: 'up', of: 'group' })
      const [one, two] = [await connected(policy), await connected(policy)]
      await one.report(600_000_000, rules)
      expect(await records().usage.spent({ policy }, DAY)).toMatchObject([{ octetsIn: 600_000_000 }])
      await two.report(500_000_000, rules, { octetsOut: 9 * GB })
      expect((await told(undefined, policy)).map(([kind]) => kind)).toEqual(['quota.spent'])
      const open = await records().orders.open('gw1', 10_000)
      const ended = open.map(({ target }) => ('session' in target ? target.session : ''))
      expect(ended).toEqual(expect.arrayContaining([one.acct, two.acct]))
    })

    test('counts sessions that no login was found for, and not those of other policies', async () => {
      const [policy, user] = [unique('policy'), unique('user')]
      await records().sessions.record(accounting('stop', user, unique('acct'), { octetsIn: 3 }))
      const elsewhere = await connected(unique('policy'), user)
      await elsewhere.report(50)
      const own = await connected(policy, user)
      await own.report(400)
      const [day, ...others] = await records().usage.spent({ policy, subject: user }, DAY)
      expect([day, ...others]).toMatchObject([{ day: DAY, octetsIn: 403 }])
      expect(await records().usage.spent({ policy, subject: user }, '2026-01-16')).toEqual([])
    })

    test('grows by what is added, and is told again', async () => {
      const policy = unique('policy')
      const rules = rulesOf(policy, quota)
      const { user, report } = await connected(policy)
      await report(GB, rules)
      await records().usage.add({ id: id(), subject: user, day: DAY, octets: GB, seconds: 60 })
      const days = await records().usage.spent({ policy, subject: user }, DAY)
      expect(days.reduce((sum, { addedOctets }) => sum + addedOctets, 0)).toBe(GB)
      expect(days.reduce((sum, { addedSeconds }) => sum + addedSeconds, 0)).toBe(60)
      await report(1_700_000_000, rules)
      await report(2_000_000_000, rules)
      expect((await told(user, policy)).map(([kind]) => kind)).toEqual([
        'quota.spent',
        'quota.warned',
        'quota.spent',
      ])
    })

    test('is told again in the next period', async () => {
      const policy = unique('policy')
      const [today, tomorrow] = [unusedDay(), unusedDay()]
      const rules = (day: string): CountingRules => ({
        day,
        quotas: { [policy]: [inForce({ ...quota, per: 'day' }, policy, day)] },
      })
      const { user, report } = await connected(policy)
      await report(900_000_000, rules(today))
      await report(900_000_001, rules(today))
      await report(1_800_000_000, rules(tomorrow))
      expect((await told(user, policy)).map(([kind]) => kind)).toEqual(['quota.warned', 'quota.warned'])
    })
  })
}
