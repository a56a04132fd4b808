import { describe, expect, test } from 'vitest'
import type { PasswordLink } from '../../../src/domain/password-link.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { HOUR, NOON, unique, userNamed } from '../samples.ts'

function linkOf(user: string, more: Partial<PasswordLink> = {}): PasswordLink {
  return {
    user,
    hash: unique('hash'),
    createdAt: NOON,
    createdBy: 'alice (command line)',
    expiresAt: NOON + HOUR,
    ...more,
  }
}

export function passwordLinkContract(records: () => Repositories): void {
  describe('a password link', () => {
    async function userWithLink(): Promise<PasswordLink> {
      const name = unique('user')
      await records().users.add(userNamed(name))
      const link = linkOf(name)
      expect(await records().passwordLinks.put(link)).toBe(true)
      return link
    }

    test('sets the password once, of many that use it at the same time', async () => {
      const { passwordLinks, users } = records()
      const link = await userWithLink()
      const { revision = 0 } = (await users.find(link.user)) ?? {}
      const hashes = Array.from({ length: 20 }, (_, index) => `argon2 ${index}`)
      const answers = await Promise.all(hashes.map((hash) => passwordLinks.redeem(link.hash, hash, NOON)))
      expect(answers.filter((answer) => answer)).toHaveLength(1)
      const won = hashes[answers.indexOf(true)]
      expect(await users.find(link.user)).toMatchObject({ passwordHash: won, revision: revision + 1 })
      expect(await passwordLinks.find(link.hash)).toEqual({ ...link, expiresAt: NOON, usedAt: NOON })
    })

    test('changes nothing after its end', async () => {
      const { passwordLinks, users } = records()
      const link = await userWithLink()
      const before = await users.find(link.user)
      expect(await passwordLinks.redeem(link.hash, 'argon2', NOON + HOUR)).toBe(false)
      expect(await passwordLinks.redeem(unique('hash'), 'argon2', NOON)).toBe(false)
      const newer = linkOf(link.user)
      await passwordLinks.put(newer)
      expect(await passwordLinks.redeem(link.hash, 'argon2', NOON)).toBe(false)
      expect(await users.find(link.user)).toEqual(before)
      expect(await passwordLinks.ofUser(link.user)).toEqual(newer)
    })

    test.each([
      ['a new password', { passwordHash: 'argon2 other' }],
      ['new groups', { groups: ['admins'] }],
      ['being disabled', { enabled: false }],
      ['the end of the account', { expiresAt: NOON }],
    ])('is worth nothing after %s', async (_, change) => {
      const { passwordLinks, users } = records()
      const link = await userWithLink()
      await users.change(link.user, change)
      const before = await users.find(link.user)
      expect(await passwordLinks.redeem(link.hash, 'argon2', NOON)).toBe(false)
      expect(await users.find(link.user)).toEqual(before)
    })

    test('outlives a change of anything else, and goes with its user', async () => {
      const { passwordLinks, users } = records()
      const link = await userWithLink()
      await users.change(link.user, { mail: 'ada@example.org' })
      expect(await passwordLinks.find(link.hash)).toEqual(link)
      await users.remove(link.user)
      expect(await passwordLinks.find(link.hash)).toBeUndefined()
    })

    test('is not made for somebody who may not log in', async () => {
      const { passwordLinks, users } = records()
      const [disabled, over] = [unique('user'), unique('user')]
      await users.add({ ...userNamed(disabled), enabled: false })
      await users.add({ ...userNamed(over), expiresAt: NOON })
      for (const user of [disabled, over, unique('nobody')])
        expect(await passwordLinks.put(linkOf(user))).toBe(false)
    })
  })

  describe('a list of users', () => {
    test('is carried out as a whole, or not at all', async () => {
      const { users } = records()
      const [present, fresh, taken] = [unique('user'), unique('user'), unique('user')]
      await users.add(userNamed(present))
      const before = await users.find(present)
      if (before === undefined) throw new Error('there is no user')
      const changed = [{ before, change: { groups: ['night'] } }]
      await users.add(userNamed(taken))
      for (const added of [
        [userNamed(fresh), userNamed(taken)],
        [userNamed(fresh), userNamed(fresh)],
      ])
        expect(await users.applyList({ added, changed, events: [] })).toBe('overtaken')
      const stale = { ...before, groups: ['another'] }
      const ofStale = [{ before: stale, change: { groups: ['night'] } }]
      expect(await users.applyList({ added: [userNamed(fresh)], changed: ofStale, events: [] })).toBe(
        'overtaken',
      )
      expect(await users.find(fresh)).toBeUndefined()
      expect(await users.find(present)).toEqual(before)
      expect(await users.applyList({ added: [userNamed(fresh)], changed, events: [] })).toBe('done')
      expect((await users.find(present))?.groups).toEqual(['night'])
      expect(await users.find(fresh)).toBeDefined()
    })
  })
}
