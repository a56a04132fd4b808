import { describe, expect, onTestFinished, test } from 'vitest'
import type { EphemeralStore } from '../../src/domain/ephemeral-store.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { IdentityProvider } from '../../src/domain/identity-provider.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import { parseLoginName } from '../../src/domain/login-name.ts'
import type { DirectoryLockPolicy, Sent } from '../../src/domain/password-guard.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { type CountedPoints, memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { DirectoryGuard, type WrongPasswords } from '../../src/login/directory-guard.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { rulesOf } from '../limits/attempt-limits-contract.ts'
import { openInMemory } from '../store/in-memory.ts'
import { admission } from '../store/samples.ts'
import { silentLog } from './fixture.ts'

const HOME = '192.0.2.7'
const ABROAD = '203.0.113.9'
const WINDOW = 1_800_000

interface Options {
  readonly threshold?: number
  /** Whether the directory shows its count. */
  readonly isCountShown?: boolean
  /** Guards that share counts and records, as workers do. */
  readonly workers?: number
}

interface Guess {
  readonly from?: string
  readonly as?: string
  /** The name in the directory, where another was typed. */
  readonly account?: string
  readonly isExempt?: boolean
  /** What the directory said before others sent more. */
  readonly stale?: { readonly wrong: number; readonly at: number }
  readonly send?: (password: string) => Promise<Sent<string>>
  readonly worker?: number
}

/** A directory with one user, whose password is `right`, and guards in front of it. */
async function fixture({ threshold, isCountShown = true, workers = 1 }: Options = {}) {
  const { database, db } = await openInMemory()
  onTestFinished(() => database.close())
  const records = sqlRepositories(db, { random: systemRandom })
  let now = 1_000_000_000
  const clock = { now: () => now, monotonic: () => now }
  const directory = { wrong: 0, lastWrongAt: 0, stamp: '1', password: 'right', asked: [] as string[] }
  const counted: CountedPoints = new Map()
  const wrongPasswords = memoryStore<WrongPasswords>({ name: 'wrong passwords', clock, capacity: 100 })
  const keys = new KeyRing([{ id: 'test', key: new Secret(systemRandom.bytes(32)) }], systemRandom)
  const guardWith = (more: Partial<ConstructorParameters<typeof DirectoryGuard>[0]> = {}) =>
    new DirectoryGuard({
      limits: attemptLimits(
        memoryCounter(counterRules(rulesOf({})), { clock, counted }),
        new ProcessId(systemRandom),
      ),
      records: records.login,
      wrongPasswords,
      keys,
      clock,
      log: silentLog,
      ...more,
    })
  const guards = Array.from({ length: workers }, () => guardWith())
  const policy = (stale?: { wrong: number; at: number }): DirectoryLockPolicy | undefined => {
    if (threshold === undefined) return undefined
    const isOver = now - directory.lastWrongAt >= WINDOW
    const seen = { wrong: isOver ? 0 : directory.wrong, at: now }
    const recount = async () => ({ wrong: directory.wrong, at: now })
    return { threshold, windowMs: WINDOW, recount, counted: isCountShown ? (stale ?? seen) : undefined }
  }
  async function bind(password: string): Promise<Sent<string>> {
    directory.asked.push(password)
    now += 1
    await new Promise((resolve) => setImmediate(resolve))
    if (password === directory.password) {
      directory.wrong = 0
      return { kind: 'right', value: 'right' }
    }
    directory.wrong += 1
    directory.lastWrongAt = now
    return { kind: 'wrong', value: 'wrong' }
  }
  return {
    directory,
    records,
    guards,
    guardWith,
    passes: (ms: number) => (now += ms),
    /** The user has logged in from there. */
    async knows(address: string, subject = 'bob', typed = subject) {
      await records.login.admit(admission(typed, { kind: 'none' }, { address, now, session: { subject } }))
    },
    guess: (
      password: string,
      { from = ABROAD, as = 'bob', account, isExempt = false, stale, send = bind, worker = 0 }: Guess = {},
    ) => {
      now += 1
      const deadline = now + 5000
      const attempt = {
        id: systemRandom.id(),
        name: parseLoginName(as) ?? expect.unreachable(),
        typed: new Secret(password),
        gateway: 'gw1',
        address: from,
        deadline,
      }
      const store = { name: 'corp' } as IdentityProvider
      const guard = guards[worker] ?? expect.unreachable()
      const found = account === undefined ? undefined : { source: 'corp', subject: account }
      return guard
        .for({ attempt, account: found, isExempt }, { store, subject: as })
        .ask({ password: new Secret(password), stamp: directory.stamp, lock: policy(stale), deadline }, () =>
          send(password),
        )
    },
    locks: (user = 'bob') =>
      records.lockouts.list({ user, standing: { state: 'in_force', at: now }, limit: 9 }),
    release: (user = 'bob') => records.lockouts.releaseUser(user, 'ada', 'called', now),
  }
}

const LOCKED = { kind: 'withheld', reason: 'locked' }

describe('the guard before a directory that locks accounts', () => {
  test('keeps the last tries for known addresses', async () => {
    const { directory, guess, knows, locks } = await fixture({ threshold: 5 })
    await knows(HOME)
    for (const password of ['a', 'b', 'c', 'd', 'e', 'f']) await guess(password)
    expect(directory).toMatchObject({ wrong: 2, asked: ['a', 'b'] })
    expect(await guess('right')).toMatchObject(LOCKED)
    expect(await guess('right', { from: HOME })).toBe('right')
    expect(await locks()).toMatchObject([
      {
        scope: 'user',
        cause: 'directory',
        source: 'corp',
        subject: 'bob',
        reason:
          '2 wrong passwords are counted, and corp locks the account at 5: the last tries are kept for known addresses',
      },
    ])
  })

  test('stops one wrong password before the directory would lock, wherever it comes from', async () => {
    const { directory, guess, knows, locks } = await fixture({ threshold: 5 })
    await knows(HOME)
    for (const password of ['a', 'b', 'c', 'd', 'e', 'f']) await guess(password, { from: HOME })
    expect(directory).toMatchObject({ wrong: 4, asked: ['a', 'b', 'c', 'd'] })
    expect(await guess('right', { from: HOME })).toMatchObject({ ...LOCKED, isTold: true })
    expect((await locks()).map(({ cause }) => cause).sort()).toEqual(['directory', 'directory_full'])
  })

  test('tells nobody at an address not known that the account is locked', async () => {
    const { guess } = await fixture({ threshold: 5 })
    for (const password of ['a', 'b']) await guess(password)
    expect(await guess('c')).not.toHaveProperty('isTold')
  })

  test('takes an exempt network for a known address', async () => {
    const { directory, guess } = await fixture({ threshold: 5 })
    for (const password of ['a', 'b', 'c', 'd', 'e']) await guess(password, { isExempt: true })
    expect(directory.wrong).toBe(4)
  })

  test('counts what others have guessed wrong', async () => {
    const { directory, guess, locks } = await fixture({ threshold: 5 })
    directory.wrong = 1
    directory.lastWrongAt = 1_000_000_000
    await guess('a')
    expect(await guess('b')).toMatchObject(LOCKED)
    expect(directory.wrong).toBe(2)
    expect(await locks()).toHaveLength(1)
  })

  test('does not take what it sent itself for others’', async () => {
    const { directory, guess, knows } = await fixture({ threshold: 5 })
    await knows(HOME)
    for (const password of ['a', 'b', 'c', 'd']) await guess(password, { from: HOME })
    expect(directory.wrong).toBe(4)
  })

  test('asks for the directory’s count again where it cannot tell what is in it', async () => {
    const { directory, guess, knows, locks } = await fixture({ threshold: 5 })
    await knows(HOME)
    const stale = { wrong: 2, at: 0 }
    for (const password of ['a', 'b']) await guess(password, { from: HOME })
    // Both that the directory counts are these two, which were answered after it was asked: four, or two?
    expect(await guess('c', { from: HOME, stale })).toBe('wrong')
    expect((await locks()).map(({ cause }) => cause)).toEqual(['directory'])
    expect(directory.wrong).toBe(3)
  })

  test('counts by itself for a directory that shows no count', async () => {
    const { directory, guess, passes } = await fixture({ threshold: 5, isCountShown: false })
    for (const password of ['a', 'b', 'c']) await guess(password)
    expect(directory.asked).toEqual(['a', 'b'])
    passes(WINDOW)
    await guess('c')
    expect(directory.asked).toEqual(['a', 'b', 'c'])
  })

  test.each([1, 4])('is not overtaken by parallel guesses at %i workers', async (workers) => {
    const { directory, guess, knows } = await fixture({ threshold: 5, isCountShown: false, workers })
    await knows(HOME)
    const crowd = (from: string) =>
      Promise.all(
        Array.from({ length: 28 }, (_, index) =>
          guess(`${from} ${index}`, { from, worker: index % workers }),
        ),
      )
    await crowd(ABROAD)
    expect(directory.wrong).toBe(2)
    await crowd(HOME)
    expect(directory.wrong).toBe(4)
  })

  test('waits for passwords that are on their way by another worker', async () => {
    const { guess, knows } = await fixture({ threshold: 3, isCountShown: false, workers: 2 })
    await knows(HOME)
    const slow = Promise.withResolvers<Sent<string>>()
    const first = guess('right', { send: () => slow.promise })
    const second = guess('right', { worker: 1 })
    setTimeout(() => slow.resolve({ kind: 'right', value: 'right' }), 50)
    expect(await first).toBe('right')
    expect(await second).toBe('right')
  })

  test('lets nobody wait behind a crowd', async () => {
    const { guess } = await fixture({ threshold: 5 })
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => guess(`guess ${index}`)),
    )
    const late = answers.filter((answer) => answer.status === 'rejected')
    expect(late).toHaveLength(8)
    expect(late[0]?.reason).toBeInstanceOf(Unavailable)
  })

  test('lets a known address not wait behind strangers', async () => {
    const { guess, knows } = await fixture({ threshold: 5 })
    await knows(HOME)
    const never = new Promise<Sent<string>>(() => {})
    void guess('a', { send: () => never })
    expect(await guess('right', { from: HOME })).toBe('right')
  })

  test('trusts the directory’s count no longer than the directory does', async () => {
    const { directory, guess, passes } = await fixture({ threshold: 3 })
    directory.wrong = 2
    directory.lastWrongAt = 1_000_000_000
    expect(await guess('right')).toMatchObject({ kind: 'withheld' })
    passes(WINDOW)
    expect(await guess('right')).toBe('right')
  })

  test('counts an answer that was lost, for the directory may have counted it', async () => {
    const { directory, guess } = await fixture({ threshold: 5, isCountShown: false })
    const lost = async (): Promise<Sent<string>> => ({ kind: 'lost', value: 'lost' })
    await guess('a', { send: lost })
    await guess('a', { send: lost })
    expect(await guess('right')).toMatchObject(LOCKED)
    expect(directory.asked).toEqual([])
  })

  test('does not count a password that was not sent', async () => {
    const { guess } = await fixture({ threshold: 3, isCountShown: false })
    for (let again = 0; again < 5; again++)
      await guess('a', { send: async () => ({ kind: 'other', value: 'down' }) })
    expect(await guess('right')).toBe('right')
  })

  test('counts the account by whatever name it is typed, and no namesake elsewhere', async () => {
    const { directory, guess, knows, locks } = await fixture({ threshold: 5, isCountShown: false })
    await knows(HOME, 'bob', 'bob.miller')
    await guess('a', { as: 'bob.miller', account: 'bob' })
    await guess('b')
    expect(await guess('c', { as: 'bob.miller', account: 'bob' })).toMatchObject(LOCKED)
    expect(await locks()).toMatchObject([{ user: 'bob', subject: 'bob' }])
    expect(await locks('bob.miller')).toEqual([])
    expect(await guess('right', { from: HOME })).toBe('right')
    await guess('d', { as: 'eve' })
    expect(directory.asked).toEqual(['a', 'b', 'right', 'd'])
  })

  test('begins a new count when somebody releases it', async () => {
    const { directory, guess, release, locks } = await fixture({ threshold: 9, isCountShown: false })
    const guessOn = async (name: string) => {
      for (let count = 0; count < 6; count++) await guess(`${name} ${count}`)
      return directory.wrong
    }
    expect(await guessOn('first')).toBe(4)
    expect(await release()).toHaveLength(1)
    expect(await locks()).toEqual([])
    expect(await guessOn('second')).toBe(8)
    expect(await locks()).toHaveLength(1)
  })

  test('lets the directory not lock the account, however often somebody releases it', async () => {
    const { directory, guess, release } = await fixture({ threshold: 5 })
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 4; count++) await guess(`guess ${round} ${count}`)
      await release()
    }
    expect(directory.wrong).toBe(4)
  })

  test('begins a new count with a new password', async () => {
    const { directory, guess } = await fixture({ threshold: 9, isCountShown: false })
    for (let count = 0; count < 3; count++) await guess(`old ${count}`)
    directory.stamp = '2'
    for (let count = 0; count < 3; count++) await guess(`new ${count}`)
    expect(directory.asked).toHaveLength(6)
  })

  test('knows what was counted before a reload', async () => {
    const { directory, guess, guards, guardWith } = await fixture({ threshold: 5, isCountShown: false })
    await guess('a')
    guards[0] = guardWith()
    expect(await guess('a')).toMatchObject({ kind: 'withheld', reason: 'bad_credentials' })
    await guess('b')
    expect(await guess('c')).toMatchObject(LOCKED)
    expect(directory.asked).toEqual(['a', 'b'])
  })

  test('goes by the directory’s own count where it has begun again', async () => {
    const { directory, guess, knows, locks } = await fixture({ threshold: 5 })
    await knows(HOME)
    directory.wrong = 4
    directory.lastWrongAt = 1_000_000_000
    expect(await guess('right', { from: HOME })).toMatchObject(LOCKED)
    // The user has signed in at a desktop.
    directory.wrong = 0
    expect(await guess('right', { from: HOME })).toBe('right')
    expect(await locks()).toEqual([])
  })

  test('goes by the lockout where only that is left of the count', async () => {
    const { guess, guardWith, guards } = await fixture({ threshold: 5, isCountShown: false })
    for (const password of ['a', 'b']) await guess(password)
    const forgetful = attemptLimits(
      memoryCounter(counterRules(rulesOf({})), { clock: { now: () => 0, monotonic: () => 0 } }),
      new ProcessId(systemRandom),
    )
    guards[0] = guardWith({ limits: forgetful })
    expect(await guess('right')).toMatchObject(LOCKED)
  })

  test('withholds the password also where the lockout cannot be recorded', async () => {
    const { records, guess, guards, guardWith, directory } = await fixture({
      threshold: 5,
      isCountShown: false,
    })
    const { login } = records
    const full = {
      viewDirectory: login.viewDirectory.bind(login),
      endDirectory: login.endDirectory.bind(login),
      lockDirectory: async () => {
        throw new Unavailable('storage', 'full')
      },
    }
    guards[0] = guardWith({ records: full })
    for (const password of ['a', 'b']) expect(await guess(password)).toBe('wrong')
    expect(await guess('right')).toMatchObject(LOCKED)
    expect(directory.asked).toEqual(['a', 'b'])
  })
})

describe('the same wrong password', () => {
  test('is sent once in five minutes', async () => {
    const { directory, guess, passes } = await fixture()
    await guess('old')
    passes(299_000)
    expect(await guess('old')).toMatchObject({ kind: 'withheld', reason: 'bad_credentials' })
    passes(1_000)
    await guess('old')
    expect(directory.asked).toEqual(['old', 'old'])
  })

  test('is one of several that are remembered', async () => {
    const { directory, guess } = await fixture()
    for (const password of ['a', 'b', 'a', 'b']) await guess(password)
    expect(directory.asked).toEqual(['a', 'b'])
  })

  test('is sent once, however many of it come at the same moment', async () => {
    const { directory, guess } = await fixture()
    await Promise.all(Array.from({ length: 30 }, () => guess('old')))
    expect(directory.asked).toEqual(['old'])
  })

  test('is known to all workers', async () => {
    const { directory, guess } = await fixture({ workers: 4, threshold: 9 })
    for (let worker = 0; worker < 4; worker++) await guess('old', { worker })
    expect(directory.asked).toEqual(['old'])
  })

  test('may be the right one after the user has got another', async () => {
    const { directory, guess } = await fixture()
    await guess('new')
    directory.password = 'new'
    directory.stamp = '2'
    expect(await guess('new')).toBe('right')
  })

  test('is forgotten with a right one', async () => {
    const { directory, guess } = await fixture()
    await guess('old')
    await guess('right')
    await guess('old')
    expect(directory.asked).toEqual(['old', 'right', 'old'])
  })

  test('is sent again where what was sent cannot be remembered', async () => {
    const { directory, guess, guards, guardWith } = await fixture()
    const away = async () => {
      throw new Unavailable('redis', 'away')
    }
    const wrongPasswords = { get: away, put: away, delete: away } as unknown as EphemeralStore<WrongPasswords>
    guards[0] = guardWith({ wrongPasswords })
    for (const password of ['old', 'old', 'right']) await guess(password)
    expect(directory.asked).toEqual(['old', 'old', 'right'])
  })
})
