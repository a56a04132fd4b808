import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { UserStore } from '../../src/domain/user.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { localIdentity } from '../../src/identity/local/provider.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { opensslPasswd } from '../real/password-tools.ts'
import { openInMemory } from '../store/in-memory.ts'

const imported = opensslPasswd('-6', 'right')
const RIGHT = { kind: 'right', account: { groups: ['staff'], attributes: {}, record: expect.any(String) } }

describe('a local user with an imported password', () => {
  const hashes = new PasswordHashes({ parallel: 2, waiting: 100 })
  let users: UserStore

  beforeEach(async () => {
    const { database, db } = await openInMemory()
    onTestFinished(() => database.close())
    users = sqlRepositories(db, { random: systemRandom }).users
    await users.add({
      name: 'bob',
      passwordHash: imported,
      enabled: true,
      groups: ['staff'],
      attributes: {},
      createdAt: 0,
    })
  })

  const login = (password: string, store = users) =>
    localIdentity({ users: store, hashes, clock: systemClock, checkReady: async () => {} }).authenticate(
      'bob',
      new Secret(password),
      systemClock.monotonic() + 5000,
    )
  const storedHash = async () => (await users.find('bob'))?.passwordHash

  it('gets in, and has an argon2id hash of the same password from then on', async () => {
    expect(await login('right')).toEqual(RIGHT)
    await vi.waitFor(async () => expect(await storedHash()).toMatch(/^\$argon2id\$/))
    const renewed = await storedHash()
    expect(await login('right')).toEqual(RIGHT)
    expect(await login('wrong')).toMatchObject({ kind: 'wrong' })
    expect(await storedHash()).toBe(renewed)
  })

  it('keeps the imported hash while only wrong passwords come', async () => {
    const renewing = vi.spyOn(users, 'renewPasswordHash')
    expect(await login('wrong')).toEqual({ kind: 'wrong', detail: 'wrong password' })
    expect(await login('')).toMatchObject({ kind: 'wrong' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(renewing).not.toHaveBeenCalled()
    expect(await storedHash()).toBe(imported)
  })

  it('is answered before the new hash is kept, and whether or not it can be', async () => {
    let refuse = (_error: Error): void => {}
    const stuck: UserStore = {
      find: (name) => users.find(name),
      list: (page) => users.list(page),
      ending: (search) => users.ending(search),
      add: (user) => users.add(user),
      change: (name, change) => users.change(name, change),
      applyList: (list) => users.applyList(list),
      ownersOf: (addresses) => users.ownersOf(addresses),
      remove: (name) => users.remove(name),
      renewPasswordHash: () =>
        new Promise((_resolve, reject) => {
          refuse = reject
        }),
    }
    expect(await login('right', stuck)).toEqual(RIGHT)
    refuse(new Error('the disk is full'))
    expect(await login('right', stuck)).toEqual(RIGHT)
    expect(await storedHash()).toBe(imported)
  })

  it('whose password was changed in the meantime keeps the new one', async () => {
    const changed = await hashes.hash(new Secret('new'))
    expect(await login('right')).toEqual(RIGHT)
    await users.change('bob', { passwordHash: changed })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await login('right')).toMatchObject({ kind: 'wrong' })
    expect(await login('new')).toEqual(RIGHT)
  })
})
