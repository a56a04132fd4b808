import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { enrolmentOf, HOUR, NOON, unique, uniqueAddress, userNamed } from '../samples.ts'

export function userContract(records: () => Repositories): void {
  describe('users', () => {
    test('come back as they were added', async () => {
      const { users } = records()
      const full = userNamed(unique('full'), {
        passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
        enabled: false,
        expiresAt: NOON + HOUR,
        groups: ['zeta', 'alpha', '员工'],
        attributes: {
          ipv4: uniqueAddress(),
          ipv6: `2001:db8::${Math.floor(Math.random() * 0xffff).toString(16)}:1`,
          routes: ['10.0.0.0/8'],
          dns: ['10.0.0.53'],
          attributes: { 'Session-Timeout': 60, 'Filter-Id': 'x' },
        },
      })
      const bare = userNamed(unique('bare'))
      expect(await users.add(full)).toBe('added')
      expect(await users.add(bare)).toBe('added')
      expect(await users.find(full.name)).toEqual(full)
      expect(await users.find(bare.name)).toEqual(bare)
      expect(await users.find(unique('nobody'))).toBeUndefined()
    })

    test('have names of their own', async () => {
      const { users } = records()
      const user = userNamed(unique('user'), { groups: ['staff'] })
      expect(await users.add(user)).toBe('added')
      expect(await users.add({ ...user, groups: ['admins'] })).toBe('exists')
      expect((await users.find(user.name))?.groups).toEqual(['staff'])
    })

    test('of one name that are added at once become one', async () => {
      const { users } = records()
      const user = userNamed(unique('user'))
      const answers = await Promise.all(Array.from({ length: 20 }, () => users.add(user)))
      expect(answers.filter((answer) => answer === 'added')).toHaveLength(1)
      expect(answers.filter((answer) => answer === 'exists')).toHaveLength(19)
    })

    test('cannot share a static address, however it is written', async () => {
      const { users } = records()
      const ipv4 = uniqueAddress()
      const host = unique('').slice(1, 5)
      const owner = userNamed(unique('owner'), { attributes: { ipv4, ipv6: `2001:db8::${host}` } })
      expect(await users.add(owner)).toBe('added')
      const other = unique('other')
      expect(await users.add(userNamed(other, { attributes: { ipv4 } }))).toBe('address_taken')
      expect(await users.add(userNamed(other, { attributes: { ipv6: `2001:DB8:0:0::${host}` } }))).toBe(
        'address_taken',
      )
      expect(await users.find(other)).toBeUndefined()
      expect(await users.add(userNamed(other))).toBe('added')
      expect(await users.change(other, { groups: ['new'], attributes: { ipv4 } })).toBe('address_taken')
      expect(await users.find(other)).toMatchObject({ groups: [], attributes: {} })
      // Free again once its owner gives it up.
      expect(await users.change(owner.name, { attributes: {} })).toBe('changed')
      expect(await users.change(other, { attributes: { ipv4 } })).toBe('changed')
    })

    test('change in what is named and nothing else', async () => {
      const { users } = records()
      const user = userNamed(unique('user'), { passwordHash: 'old', groups: ['a', 'b'], expiresAt: NOON })
      await users.add(user)
      expect(await users.change(user.name, {})).toBe('changed')
      expect(await users.find(user.name)).toEqual(user)
      expect(await users.change(user.name, { passwordHash: 'new', enabled: false })).toBe('changed')
      expect(await users.change(user.name, { expiresAt: null, groups: ['b', 'c'] })).toBe('changed')
      const { expiresAt: _, ...rest } = user
      expect(await users.find(user.name)).toEqual({
        ...rest,
        passwordHash: 'new',
        enabled: false,
        groups: ['b', 'c'],
        revision: 1,
      })
    })

    test('have a revision for each new password and each disabling', async () => {
      const { users } = records()
      const user = userNamed(unique('user'), { passwordHash: 'old' })
      await users.add(user)
      const revision = async () => (await users.find(user.name))?.revision ?? 0
      await users.change(user.name, { enabled: true, groups: ['a'], expiresAt: NOON, attributes: {} })
      expect(await revision()).toBe(0)
      await users.change(user.name, { passwordHash: 'new' })
      expect(await revision()).toBe(1)
      await users.change(user.name, { enabled: false })
      expect(await revision()).toBe(2)
      await users.renewPasswordHash(user.name, 'new', 'newer')
      expect(await revision()).toBe(2)
    })

    test('get another hash of their password only in the place of the one that it was made for', async () => {
      const { users } = records()
      const user = userNamed(unique('user'), { passwordHash: 'imported', groups: ['a'] })
      await users.add(user)
      expect(await users.renewPasswordHash(user.name, 'another', 'renewed')).toBe(false)
      expect(await users.renewPasswordHash(unique('nobody'), 'imported', 'renewed')).toBe(false)
      expect(await users.find(user.name)).toEqual(user)
      expect(await users.renewPasswordHash(user.name, 'imported', 'renewed')).toBe(true)
      expect(await users.renewPasswordHash(user.name, 'imported', 'late')).toBe(false)
      expect(await users.find(user.name)).toEqual({ ...user, passwordHash: 'renewed' })
    })

    test('that are not there are not changed', async () => {
      const { users } = records()
      const nobody = unique('nobody')
      expect(await users.change(nobody, { enabled: false })).toBe('unknown')
      expect(await users.change(nobody, {})).toBe('unknown')
      expect(await users.change(nobody, { groups: ['staff'] })).toBe('unknown')
    })

    test('are listed by name, a page at a time, with all their groups', async () => {
      const { users } = records()
      const prefix = unique('list')
      const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `${prefix}-${letter}`)
      for (const name of [...names].reverse()) await users.add(userNamed(name, { groups: ['x', 'y', 'z'] }))
      const first = await users.list({ after: prefix, limit: 2 })
      expect(first.map(({ name }) => name)).toEqual(names.slice(0, 2))
      expect(first.map(({ groups }) => groups)).toEqual([
        ['x', 'y', 'z'],
        ['x', 'y', 'z'],
      ])
      const second = await users.list({ after: `${prefix}-b`, limit: 3 })
      expect(second.map(({ name }) => name)).toEqual(names.slice(2))
      expect((await users.list({ limit: 1 })).length).toBe(1)
    })

    test('are listed by the octets of their names, whatever language the database was made for', async () => {
      const { users } = records()
      const prefix = unique('sort')
      const names = ['-a', '.b', '0', 'B', '_', 'a', 'ä', '员'].map((end) => prefix + end)
      for (const name of [...names].reverse()) await users.add(userNamed(name))
      const listed = await users.list({ after: prefix, limit: names.length })
      expect(listed.map(({ name }) => name)).toEqual(names)
    })

    test('leave what may belong to a user of another store', async () => {
      const { users, enrolments } = records()
      const name = unique('user')
      await users.add(userNamed(name, { groups: ['staff'] }))
      await enrolments.replace({ enrolment: enrolmentOf(name), recoveryHashes: ['h1', 'h2'] })
      expect(await users.remove(name)).toBe(true)
      expect(await users.find(name)).toBeUndefined()
      expect((await enrolments.ofSubject(name))[0]).toBeDefined()
      expect(await enrolments.recoveryCodesLeft(name)).toBe(2)
      expect(await users.remove(name)).toBe(false)
      // A later user of the same name inherits no groups.
      await users.add(userNamed(name))
      expect((await users.find(name))?.groups).toEqual([])
    })
  })
}
