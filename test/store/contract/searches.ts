import { describe, expect, test } from 'vitest'
import { placeOfEnrolment } from '../../../src/domain/enrolment.ts'
import { type AccountingRecord, stateOf } from '../../../src/domain/session.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import {
  accounting,
  admission,
  enrolmentOf,
  eventOf,
  HOUR,
  id,
  MINUTE,
  NOON,
  unique,
  uniqueAddress,
} from '../samples.ts'

/** How people look through the audit trail, the sessions and the authenticators. */
export function searchContract(records: () => Repositories): void {
  describe('the names of everybody', () => {
    test('are those of users, of authenticators, and of all who were let in, each once', async () => {
      const { login, enrolments, names, users } = records()
      const [first, second, third] = [unique('a'), unique('b'), unique('c')]
      await users.add({ name: first, enabled: true, groups: [], attributes: {}, createdAt: NOON })
      await enrolments.replace({ enrolment: enrolmentOf(second), recoveryHashes: [] })
      for (const user of [third, third, first]) await login.admit(admission(user, { kind: 'none' }))
      const listed = await names.list({ limit: 10_000 })
      expect(listed.filter((name) => [first, second, third].includes(name))).toEqual(
        [first, second, third].sort(),
      )
      expect(await names.list({ limit: 2 })).toHaveLength(2)
      expect(await names.list({ limit: 9, part: second.slice(1) })).toEqual([second])
      for (const [length, isFound] of [
        [second.length + 2, true],
        [second.length - 2, true],
        [second.length + 3, false],
      ] as const)
        expect((await names.list({ limit: 10_000, length })).includes(second)).toBe(isFound)
    })
  })

  describe('the audit trail, looked through', () => {
    test('is searched by every part, in either order, a page at a time', async () => {
      const { audit } = records()
      const [user, address, gateway, actor] = [unique('user'), uniqueAddress(), unique('gw'), unique('actor')]
      const events = [
        eventOf(user, { address, reason: 'locked', at: NOON }),
        eventOf(user, { gateway, kind: 'login.accepted', at: NOON + MINUTE }),
        eventOf(user, { actor, kind: 'lockout.released', at: NOON + 2 * MINUTE }),
      ]
      for (const event of events) await audit.append(event)
      const [first, second, third] = events
      const newest = { order: 'newest', limit: 9 } as const
      expect(await audit.list({ user, ...newest })).toEqual([third, second, first])
      expect(await audit.list({ user, order: 'oldest', limit: 9 })).toEqual(events)
      expect(await audit.list({ address, ...newest })).toEqual([first])
      expect(await audit.list({ gateway, ...newest })).toEqual([second])
      expect(await audit.list({ actor, ...newest })).toEqual([third])
      expect(await audit.list({ user, reason: 'locked', ...newest })).toEqual([first])
      const kinds = ['login.accepted', 'lockout.released'] as const
      expect(await audit.list({ user, kinds, ...newest })).toEqual([third, second])
      expect(await audit.list({ user, since: NOON + MINUTE, ...newest })).toEqual([third, second])
      expect(await audit.list({ user, before: NOON + MINUTE, ...newest })).toEqual([first])
      expect(await audit.list({ user, limit: 1, after: third?.id ?? '' })).toEqual([second])
      expect(await audit.list({ user, order: 'oldest', limit: 9, after: first?.id ?? '' })).toEqual([
        second,
        third,
      ])
    })
  })

  describe('sessions, looked through', () => {
    test('are found by user, gateway, address, VPN address and state, newest first', async () => {
      const { login, sessions } = records()
      const [user, ip] = [unique('user'), uniqueAddress()]
      const [granted, open, ended] = [uniqueAddress(), uniqueAddress(), uniqueAddress()]
      await login.admit(admission(user, { kind: 'none' }, { address: granted }))
      const started = accounting('start', user, unique('acct'), { address: open, gateway: 'gw2' })
      await sessions.record(started)
      await sessions.record({ ...started, kind: 'interim', ipv4: ip, at: NOON + MINUTE })
      const stopped = accounting('start', user, unique('acct'), { address: ended })
      await sessions.record(stopped)
      await sessions.record({ ...stopped, kind: 'stop', at: NOON + MINUTE, seconds: 60 })
      const addresses = async (more: object) =>
        (await sessions.list({ user, limit: 9, ...more })).map(({ address }) => address)
      expect((await addresses({})).toSorted()).toEqual([granted, open, ended].toSorted())
      const standing = (state: string, at = NOON + MINUTE) => addresses({ standing: { state, at } })
      expect(await standing('granted')).toEqual([granted])
      expect(await standing('open')).toEqual([open])
      expect(await standing('ended')).toEqual([ended])
      expect(await standing('silent')).toEqual([])
      // Nobody asked for reports on the open one.
      expect(await standing('silent', NOON + 24 * HOUR)).toEqual([granted])
      expect(await standing('open', NOON + 24 * HOUR)).toEqual([open])
      expect(await addresses({ gateway: 'gw2' })).toEqual([open])
      expect(await addresses({ address: ended })).toEqual([ended])
      expect(await addresses({ ip })).toEqual([open])
      expect(await addresses({ user: `${user.toUpperCase()}@corp.example` })).toHaveLength(3)
      const all = await sessions.list({ user, limit: 9 })
      expect(await sessions.list({ user, limit: 1 })).toEqual(all.slice(0, 1))
      expect(await sessions.list({ user, limit: 9, after: all[0]?.id ?? '' })).toEqual(all.slice(1))
      const oldest = await sessions.list({ user, order: 'oldest', limit: 9 })
      expect(oldest).toEqual(all.toReversed())
      const rest = { user, order: 'oldest', limit: 9, after: oldest[0]?.id ?? '' } as const
      expect(await sessions.list(rest)).toEqual(oldest.slice(1))
      expect(await sessions.find(all[1]?.id ?? '')).toEqual(all[1])
      expect(await sessions.find(id())).toBeUndefined()
    })
  })

  describe('sessions whose reports are overdue', () => {
    test('are in the state that the domain tells, at every moment', async () => {
      const { login, sessions } = records()
      const user = unique('user')
      const begin = async (staleAfterMs: number | undefined, more: readonly Partial<AccountingRecord>[]) => {
        const [address, acct] = [uniqueAddress(), unique('acct')]
        await login.admit(admission(user, { kind: 'none' }, { address, session: { staleAfterMs } }))
        for (const each of more) await sessions.record(accounting('start', user, acct, { address, ...each }))
      }
      await begin(undefined, [])
      await begin(20 * MINUTE, [])
      await begin(undefined, [{}])
      await begin(20 * MINUTE, [{}])
      await begin(20 * MINUTE, [{}, { kind: 'interim', at: NOON + 15 * MINUTE }])
      await begin(20 * MINUTE, [{}, { kind: 'stop', at: NOON + 15 * MINUTE }])
      const all = await sessions.list({ user, limit: 9 })
      for (const minutes of [0, 10, 11, 20, 21, 35, 36]) {
        const at = NOON + minutes * MINUTE
        const found = { granted: 0, open: 0, silent: 0, ended: 0 }
        for (const state of ['granted', 'open', 'silent', 'ended'] as const) {
          const some = await sessions.list({ user, standing: { state, at }, limit: 9 })
          expect(some, `${state} after ${minutes} minutes`).toEqual(
            all.filter((session) => stateOf(session, at) === state),
          )
          found[state] = some.length
        }
        expect(found.granted + found.open + found.silent + found.ended).toBe(6)
        expect(found.silent).toBe({ 0: 0, 10: 0, 11: 2, 20: 2, 21: 3, 35: 3, 36: 4 }[minutes])
      }
    })
  })

  describe('authenticators, looked through', () => {
    test('show everything but the seed, in the order of subjects', async () => {
      const { enrolments } = records()
      const prefix = unique('subject')
      const [one, two] = [`${prefix}-1`, `${prefix}-2`]
      await enrolments.replace({ enrolment: enrolmentOf(two), recoveryHashes: [] })
      await enrolments.replace({ enrolment: enrolmentOf(one, { lastStep: 7 }), recoveryHashes: ['a', 'b'] })
      const found = await enrolments.list({ after: placeOfEnrolment({ subject: prefix, id: '' }), limit: 2 })
      expect(found).toMatchObject([
        { subject: one, used: true, recoveryCodesLeft: 2, digits: 6, createdAt: NOON },
        { subject: two, used: false, recoveryCodesLeft: 0 },
      ])
      expect(JSON.stringify(found)).not.toMatch(/k1\.|seed|lastStep/i)
      expect(
        await enrolments.list({ after: placeOfEnrolment(found[0] ?? { subject: '', id: '' }), limit: 1 }),
      ).toEqual(found.slice(1))
      expect((await enrolments.registeredOf(one))[0]).toEqual(found[0])
      expect(await enrolments.registeredOf(unique('nobody'))).toEqual([])
    })

    test('get new recovery codes in the place of all old ones', async () => {
      const { enrolments, login } = records()
      const subject = unique('subject')
      expect(await enrolments.renewRecoveryCodes(subject, ['x'])).toBe(false)
      await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: ['old'] })
      expect(await enrolments.renewRecoveryCodes(subject, ['new 1', 'new 2'])).toBe(true)
      expect(await enrolments.recoveryCodesLeft(subject)).toBe(2)
      const logInWith = (hash: string) =>
        login.admit(admission(subject, { kind: 'recovery', subject, hashes: [hash] }))
      expect(await logInWith('old')).toEqual({ kind: 'code_used' })
      expect(await logInWith('new 1')).toEqual({ kind: 'admitted' })
    })
  })
}
