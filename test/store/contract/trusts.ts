import { describe, expect, test } from 'vitest'
import type { Trust } from '../../../src/domain/trust.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, enrolmentOf, HOUR, id, NOON, trustOf, unique, userNamed } from '../samples.ts'

const LATER = NOON + HOUR

export function trustContract(records: () => Repositories): void {
  /** A user with an authenticator who is trusted after a full login. */
  async function trusted(more: Partial<Trust> = {}) {
    const user = unique('user')
    const enrolment = enrolmentOf(user)
    await records().enrolments.replace({ enrolment, recoveryHashes: [] })
    const trust = trustOf(user, { enrolment: enrolment.id, ...more })
    const code = { kind: 'totp', enrolment: enrolment.id, step: 1, driftMs: 0 } as const
    expect(await records().login.admit({ ...admission(user, code), trust })).toMatchObject({
      kind: 'admitted',
    })
    const { subject, source, network } = trust
    const query = { subject, source, network, now: LATER }
    const use = { kind: 'trust', trust: trust.id, enrolment: enrolment.id } as const
    const enter = (now = LATER) => records().login.admit(admission(user, use, { now }))
    return { user, enrolment, trust, query, enter }
  }

  describe('a trust', () => {
    test('is made with the login that earns it, and found by what it is bound to', async () => {
      const { login } = records()
      const { trust, query } = await trusted({ record: '1.2', sealedPasswordHash: '$argon2id$…' })
      expect(await login.findTrust(query)).toEqual(trust)
      for (const other of ['subject', 'source', 'network'] as const)
        expect(await login.findTrust({ ...query, [other]: unique(other) })).toBeUndefined()
      expect(await login.findTrust({ ...query, now: trust.expiresAt })).toBeUndefined()
      expect(await login.findTrust({ ...query, now: trust.expiresAt - 1 })).toBeDefined()
    })

    test('is not made by a login whose code another one has spent', async () => {
      const { user, enrolment, query } = await trusted()
      const code = { kind: 'totp', enrolment: enrolment.id, step: 1, driftMs: 0 } as const
      const trust = trustOf(user, { enrolment: enrolment.id, network: '203.0.113.1' })
      expect(await records().login.admit({ ...admission(user, code), trust })).toEqual({ kind: 'code_used' })
      expect(await records().login.findTrust({ ...query, network: trust.network })).toBeUndefined()
    })

    test('takes the place of the one before of the same user and network', async () => {
      const { user, enrolment, query, enter } = await trusted()
      const fresh = trustOf(user, { enrolment: enrolment.id, madeAt: LATER, expiresAt: LATER + HOUR })
      const code = { kind: 'totp', enrolment: enrolment.id, step: 2, driftMs: 0 } as const
      await records().login.admit({ ...admission(user, code), trust: fresh })
      expect(await records().login.findTrust(query)).toEqual(fresh)
      expect(await enter()).toEqual({ kind: 'code_used' })
      expect(await records().trusts.list({ user, now: LATER, limit: 9 })).toHaveLength(1)
    })

    test('counts its uses', async () => {
      const { trust, query, enter } = await trusted()
      expect(await enter()).toMatchObject({ kind: 'admitted' })
      expect(await enter(LATER + 1)).toMatchObject({ kind: 'admitted' })
      expect(await records().login.findTrust(query)).toEqual({ ...trust, uses: 2, usedAt: LATER + 1 })
    })

    test.each<[string, (of: Awaited<ReturnType<typeof trusted>>) => Promise<unknown>]>([
      ['it is revoked', ({ trust }) => records().trusts.revoke(trust.id)],
      ['all of the user are revoked', ({ user }) => records().trusts.revokeAllOf(user)],
      ['the authenticator is revoked', ({ user }) => records().enrolments.revoke(user)],
      [
        'the authenticator is replaced',
        ({ user }) => records().enrolments.replace({ enrolment: enrolmentOf(user), recoveryHashes: [] }),
      ],
      [
        'the user was locked, and released',
        async ({ user }) => {
          const lock = {
            scope: 'user',
            user,
            reason: 'stolen',
            by: 'ann',
            since: NOON + 1,
            until: NOON + 2,
          } as const
          await records().lockouts.lock({ ...lock, id: id() })
        },
      ],
    ])('lets nobody in, and is not shown, once %s', async (_, happens) => {
      const one = await trusted()
      await happens(one)
      expect(await records().login.findTrust(one.query)).toBeUndefined()
      expect(await records().trusts.list({ user: one.user, now: LATER, limit: 9 })).toEqual([])
      expect(await one.enter()).toEqual({ kind: 'code_used' })
    })

    test('goes with the password of a local user, and when the user is disabled', async () => {
      const { users, trusts } = records()
      for (const change of [{ passwordHash: 'h' }, { enabled: false }]) {
        const { user } = await trusted()
        await users.add(userNamed(user))
        await users.change(user, { groups: ['a'] })
        expect(await trusts.list({ user, now: LATER, limit: 9 })).toHaveLength(1)
        await users.change(user, change)
        expect(await trusts.list({ user, now: LATER, limit: 9 })).toEqual([])
      }
    })

    test('lets nobody in while a lockout is in force', async () => {
      const { user, enter } = await trusted()
      const lock = { id: id(), scope: 'user', user, reason: 'stolen', by: 'ann', since: NOON + 1 } as const
      await records().lockouts.lock(lock)
      expect(await enter()).toMatchObject({ kind: 'locked' })
    })

    test('is listed newest first, page by page, without what it is bound to', async () => {
      const { trusts } = records()
      const { user, trust, enrolment } = await trusted()
      const code = { kind: 'totp', enrolment: enrolment.id, step: 2, driftMs: 0 } as const
      const second = trustOf(user, { enrolment: enrolment.id, network: '2001:db8:1:2::/64' })
      await records().login.admit({ ...admission(user, code), trust: second })
      const [first] = await trusts.list({ user, now: LATER, limit: 1 })
      const { enrolment: _, ...shown } = second
      expect(first).toEqual(shown)
      expect(await trusts.list({ user, now: LATER, after: first?.id, limit: 1 })).toMatchObject([
        { id: trust.id },
      ])
      expect(await trusts.list({ user: `${user}@corp`, now: LATER, limit: 9 })).toEqual([])
      expect(await trusts.revoke(unique('id'))).toBeUndefined()
    })
  })
}
