import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { AccountFacts } from '../../src/identity/ldap/active-directory.ts'
import { LockoutShield, type Sent, type ShieldOptions } from '../../src/identity/ldap/lockout-shield.ts'

/** A directory with one user, whose password is `right`, and a shield in front of it. */
function shielded(options: Partial<ShieldOptions> = {}, countsItself = true) {
  let now = 1_000_000
  const directory = { wrong: 0, lastWrongAt: 0, stamp: '1', password: 'right', asked: [] as string[] }
  const clock = { now: () => now, monotonic: () => now }
  const shield = new LockoutShield({
    ...{ windowMs: 1_800_000, repeatMs: 300_000, clock, random: systemRandom },
    ...options,
  })
  const facts = (): AccountFacts =>
    countsItself
      ? {
          wrongPasswords: directory.wrong,
          passwordStamp: directory.stamp,
          ...(directory.wrong > 0 && { lastWrongAt: directory.lastWrongAt }),
        }
      : {}
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
    passes: (ms: number) => (now += ms),

    guess: (password: string, given: AccountFacts = facts(), send = bind) => {
      now += 1
      return shield.ask(
        { entry: 'bob', password: new Secret(password), facts: given, factsAt: now, deadline: now + 5000 },
        () => send(password),
      )
    },
  }
}

describe('the shield before a directory that locks accounts', () => {
  test('stops one wrong password before the directory would lock', async () => {
    const { directory, guess } = shielded({ threshold: 5 })
    for (const password of ['a', 'b', 'c', 'd', 'e', 'f']) await guess(password)
    expect(directory).toMatchObject({ wrong: 4, asked: ['a', 'b', 'c', 'd'] })
    expect(await guess('right')).toMatchObject({ kind: 'spared', as: 'barred' })
  })

  test('counts what others have guessed wrong', async () => {
    const { directory, guess } = shielded({ threshold: 5 })
    directory.wrong = 3
    directory.lastWrongAt = 1_000_000
    await guess('a')
    expect(await guess('b')).toMatchObject({ kind: 'spared' })
    expect(directory.wrong).toBe(4)
  })

  test('counts by itself for a directory that shows no count', async () => {
    const { directory, guess, passes } = shielded({ threshold: 3 }, false)
    for (const password of ['a', 'b', 'c']) await guess(password)
    expect(directory.asked).toEqual(['a', 'b'])
    passes(1_800_000)
    await guess('c')
    expect(directory.asked).toEqual(['a', 'b', 'c'])
  })

  test('is not overtaken by parallel guesses', async () => {
    const { directory, guess } = shielded({ threshold: 5 })
    await Promise.all(Array.from({ length: 30 }, (_, index) => guess(`guess ${index}`)))
    expect(directory.wrong).toBe(4)
  })

  test('lets nobody wait behind a crowd', async () => {
    const { guess } = shielded({ threshold: 5 })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => guess(`guess ${index}`)))
    expect(answers.filter(({ kind }) => kind === 'too_late')).toHaveLength(8)
  })

  test('trusts the directory’s count no longer than the directory does', async () => {
    const { directory, guess, passes } = shielded({ threshold: 3 })
    directory.wrong = 2
    directory.lastWrongAt = 1_000_000
    expect(await guess('right')).toMatchObject({ kind: 'spared' })
    passes(1_800_000)
    expect(await guess('right')).toMatchObject({ kind: 'sent', value: 'right' })
  })

  test('counts an answer that was lost, for the directory may have counted it', async () => {
    const { directory, guess } = shielded({ threshold: 3 }, false)
    const lost = async (): Promise<Sent<string>> => ({ kind: 'lost', value: 'lost' })
    await guess('a', {}, lost)
    await guess('a', {}, lost)
    expect(await guess('right')).toMatchObject({ kind: 'spared' })
    expect(directory.asked).toEqual([])
  })

  test('does not ask about an account that it knows to be locked', async () => {
    const { directory, guess, passes } = shielded({ lockedMs: 60_000 })
    const locked = { lockedAt: 1_000_000 }
    expect(await guess('right', locked)).toMatchObject({ kind: 'spared', as: 'barred' })
    passes(60_000)
    expect(await guess('right', locked)).toMatchObject({ kind: 'sent' })
    expect(directory.asked).toEqual(['right'])
    const forEver = shielded({ lockedMs: 0 })
    forEver.passes(10 ** 9)
    expect(await forEver.guess('right', locked)).toMatchObject({ kind: 'spared' })
  })
})

describe('the same wrong password', () => {
  test('is sent once in five minutes', async () => {
    const { directory, guess, passes } = shielded()
    await guess('old')
    passes(299_000)
    expect(await guess('old')).toMatchObject({ kind: 'spared', as: 'wrong' })
    passes(1_000)
    await guess('old')
    expect(directory.asked).toEqual(['old', 'old'])
  })

  test('is one of several that are remembered', async () => {
    const { directory, guess } = shielded()
    for (const password of ['a', 'b', 'a', 'b']) await guess(password)
    expect(directory.asked).toEqual(['a', 'b'])
  })

  test('is sent once, however many of it come at the same moment', async () => {
    const { directory, guess } = shielded()
    await Promise.all(Array.from({ length: 30 }, () => guess('old')))
    expect(directory.asked).toEqual(['old'])
  })

  test('may be the right one after the user has got another', async () => {
    const { directory, guess } = shielded()
    await guess('new')
    directory.password = 'new'
    directory.stamp = '2'
    expect(await guess('new')).toMatchObject({ kind: 'sent', value: 'right' })
  })

  test('is forgotten with a right one', async () => {
    const { directory, guess } = shielded()
    await guess('old')
    await guess('right')
    await guess('old')
    expect(directory.asked).toEqual(['old', 'right', 'old'])
  })
})
