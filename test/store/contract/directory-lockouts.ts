import { describe, expect, test } from 'vitest'
import type { DirectoryLock } from '../../../src/domain/directory-lockout.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, failureOf, HOUR, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

export function directoryLockoutContract(records: () => Repositories): void {
  function lockOf(subject: string, more: Partial<DirectoryLock> = {}): DirectoryLock {
    return {
      source: 'corp',
      subject,
      cause: 'directory',
      user: subject,
      address: '203.0.113.9',
      gateway: 'gw1',
      reason: 'too many',
      since: NOON,
      until: NOON + HOUR,
      ...more,
    }
  }
  const viewed = (subject: string, more: { source?: string; address?: string; now?: number } = {}) =>
    records().login.viewDirectory({ source: 'corp', subject, now: NOON, since: NOON - HOUR, ...more })

  describe('lockouts of a directory’s account', () => {
    test('are listed and in the audit trail, and keep no other account of the name out', async () => {
      const { login, lockouts, audit } = records()
      const user = unique('user')
      const lock = await login.lockDirectory(lockOf(user))
      expect(lock).toMatchObject({ scope: 'user', cause: 'directory', source: 'corp', subject: user, user })
      expect(lock).not.toHaveProperty('address')
      expect(await lockouts.list({ user, limit: 9 })).toEqual([lock])
      expect(await lockouts.find(lock.id)).toEqual(lock)
      expect(await audit.list({ user, limit: 9 })).toMatchObject([
        { kind: 'lockout.made', reason: 'directory', address: '203.0.113.9', gateway: 'gw1' },
      ])
      expect((await viewed(user)).locks).toEqual([lock])
      expect((await viewed(user, { source: 'partner' })).locks).toEqual([])
      expect((await viewed(user, { now: NOON + HOUR })).locks).toEqual([])
      expect((await login.view({ user, subjects: [user], now: NOON })).locks).toEqual([])
      expect(await login.admit(admission(user, { kind: 'none' }))).toEqual({ kind: 'admitted' })
    })

    test('stand in the way of no lockout for failures', async () => {
      const user = unique('user')
      await records().login.lockDirectory(lockOf(user))
      expect(await records().login.recordFailure(failureOf(user, { lock: ['user'] }))).toHaveLength(1)
    })

    test('are one for each cause, however many are made at a moment', async () => {
      const { login, lockouts } = records()
      const user = unique('user')
      const causes = ['directory', 'directory_full'] as const
      await Promise.all(
        Array.from({ length: 20 }, (_, count) =>
          login.lockDirectory(lockOf(user, { cause: causes[count % 2] ?? 'directory' })),
        ),
      )
      const made = await lockouts.list({ user, limit: 99 })
      expect(made.map(({ cause }) => cause).sort()).toEqual(causes)
    })

    test('are released by user or alone, which is known for a while', async () => {
      const { login, lockouts } = records()
      const user = unique('user')
      await login.lockDirectory(lockOf(user))
      expect(await lockouts.releaseUser(user, 'ada', 'called', NOON + MINUTE)).toHaveLength(1)
      const now = NOON + 2 * MINUTE
      expect(await viewed(user, { now })).toMatchObject({ locks: [], releasedAt: NOON + MINUTE })
      const second = await login.lockDirectory(lockOf(user, { since: now, until: now + HOUR }))
      expect(await lockouts.release(second.id, 'ada', 'again', now)).toMatchObject({ kind: 'released' })
      expect(await viewed(user, { now })).toMatchObject({ locks: [], releasedAt: now })
    })

    test('look at where the subject was let in from, whatever name was typed', async () => {
      const { login } = records()
      const [subject, alias] = [unique('user'), unique('alias')]
      const [home, ipv6] = [
        uniqueAddress(),
        `2001:db8:77:${Math.floor(Math.random() * 0xffff).toString(16)}::1`,
      ]
      for (const address of [home, ipv6])
        await login.admit(admission(alias, { kind: 'none' }, { address, session: { subject } }))
      expect(await viewed(subject, { address: home })).toMatchObject({ knownAddress: true })
      expect(await viewed(subject, { address: ipv6.replace('::1', '::2') })).toMatchObject({
        knownAddress: true,
      })
      expect(await viewed(subject, { address: uniqueAddress() })).toMatchObject({ knownAddress: false })
      expect(await viewed(subject)).toMatchObject({ knownAddress: false })
      expect(await viewed(alias, { address: home })).toMatchObject({ knownAddress: false })
    })
  })
}
