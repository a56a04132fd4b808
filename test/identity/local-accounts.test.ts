import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { LocalUser } from '../../src/domain/user.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { localIdentity } from '../../src/identity/local/provider.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openInMemory } from '../store/in-memory.ts'

const NOW = Date.UTC(2026, 0, 1)
const ARGON2ID = '$argon2id$v=19$m=19456,t=2,p=1$'
const hashes = new PasswordHashes({ parallel: 2, waiting: 100 })
const passwordHash = await hashes.hash(new Secret('right'))

describe('a local user', () => {
  let add: (user: Partial<LocalUser>) => Promise<unknown>
  let store: ReturnType<typeof localIdentity>

  beforeEach(async () => {
    const { database, db } = await openInMemory()
    onTestFinished(() => database.close())
    const { users } = sqlRepositories(db, { random: systemRandom })
    const clock = { now: () => NOW, monotonic: () => 0 }
    store = localIdentity({ users, hashes, clock, checkReady: async () => {} })
    const bob = { name: 'bob', enabled: true, groups: [], attributes: {}, createdAt: 0 }
    add = (user) => users.add({ ...bob, passwordHash, ...user })
  })

  /** What came of it, and against which hashes the password was checked. */
  async function watched<T>(act: () => Promise<T>): Promise<{ result: T; checked: string[] }> {
    const verify = vi.spyOn(hashes, 'verify')
    try {
      const result = await act()
      return { result, checked: verify.mock.calls.map(([stored]) => stored) }
    } finally {
      verify.mockRestore()
    }
  }

  const login = (password: string) =>
    watched(() => store.authenticate('bob', new Secret(password), 0, {} as never))

  it.each([
    ['disabled', { enabled: false }, 'the account is disabled'],
    ['expired', { expiresAt: NOW }, 'the account has expired'],
  ])(
    'who is %s is barred with the right password, and with a wrong one is told from nobody',
    async (_what, user, detail) => {
      await add(user)
      expect((await login('right')).result).toEqual({ kind: 'barred', detail })
      expect((await login('wrong')).result).toEqual({ kind: 'wrong', detail: 'wrong password' })
      expect(await store.lookup('bob', 0)).toEqual({ kind: 'barred', detail })
    },
  )

  it('whose end is to come gets in', async () => {
    await add({ expiresAt: NOW + 1 })
    expect((await login('right')).result).toMatchObject({ kind: 'right' })
  })

  it.each([
    ['has the wrong password', {}, 'wrong'],
    ['is disabled', { enabled: false }, 'right'],
    ['has expired', { expiresAt: NOW }, 'right'],
    ['has no password', { passwordHash: undefined }, 'right'],
  ])('who %s costs one password check of full cost', async (_what, user, password) => {
    await add(user)
    const { result, checked } = await login(password)
    expect(result.kind).not.toBe('right')
    expect(checked).toEqual([expect.stringContaining(ARGON2ID)])
  })

  it('who is none costs the same, where the check is played', async () => {
    const { checked } = await watched(async () => store.verifyDummy?.(new Secret('right')))
    expect(checked).toEqual([expect.stringContaining(ARGON2ID)])
  })
})
