import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { OldHashes } from '../../src/identity/imported-hashes/old-hashes.ts'
import { isOldHash, oldHashFault, readOldHash } from '../../src/identity/imported-hashes/scheme.ts'
import { verifyOldHash } from '../../src/identity/imported-hashes/verify.ts'
import { PasswordHashes } from '../../src/identity/password-hashes.ts'
import { crypt, opensslPasswd } from '../real/password-tools.ts'

const verify = (stored: string, password: string) => verifyOldHash(stored, Buffer.from(password))

describe('a hash that another program made', () => {
  const settings = [
    ...['$1$abcdefgh$', '$1$a$', '$5$rounds=1000$saltstring$', '$5$rounds=1001$x$', '$6$rounds=1000$salt$'],
    ...['$6$rounds=1001$sixteen.characte$', '$2y$05$abcdefghijklmnopqrstuu', '$2b$04$abcdefghijklmnopqrstuu'],
  ]
  /** Around the lengths at which the schemes change what they do. */
  const lengths = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 72, 96, 127, 128]

  it.each(settings)(
    'with the setting %s is right for its password, of any length, and for no other',
    (setting) => {
      for (const length of lengths) {
        const password = `${'ü'.repeat(length >> 1)}${'x'.repeat(length % 2)}`
        const stored = crypt(password, setting)
        expect(verify(stored, password), `${length} octets`).toBe(true)
        expect(verify(stored, `X${password.slice(1)}`), `${length} octets, the first changed`).toBe(false)
      }
    },
  )

  it.each(['-1', '-5', '-6'] as const)('by openssl passwd %s is right for its password', (option) => {
    const stored = opensslPasswd(option, 'Grüße, 密码')
    expect(verify(stored, 'Grüße, 密码')).toBe(true)
    expect(verify(stored, 'Grüße')).toBe(false)
  })

  it('is never right for what comes behind a NUL, nor for a password without end', () => {
    const stored = crypt('right', '$1$abcdefgh$')
    expect(verify(stored, 'right\0anything')).toBe(false)
    expect(verify(stored, 'x'.repeat(100_000))).toBe(false)
  })

  it.each([
    '',
    'right',
    '$1$',
    '$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc',
    '$1$abcdefghi$IQtUouv7y7Q9dRWkQEPCc.',
    '$5$rounds=999$x$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8',
    '$9$x$y',
    '$2y$05$',
  ])('that is none is right for nothing: %j', (stored) => {
    expect(readOldHash(stored)).toBeUndefined()
    expect(verify(stored, 'right')).toBe(false)
    expect(oldHashFault(stored)).toMatch(/^the hash is .*; taken are/)
  })

  it.each([
    ['$apr1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.', "Apache's MD5 ($apr1$)"],
    ['{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'unsalted SHA-1'],
    ['$y$j9T$abcdefgh$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr', 'yescrypt'],
    ['rqXexS6ZhobKA', 'DES, or a password in clear text'],
    ['hunter2', 'a password in clear text'],
    ['$6$saltstring$cut', 'damaged'],
  ])('of a kind that is not taken is refused by its name and not repeated: %s', (stored, name) => {
    const fault = oldHashFault(stored) ?? ''
    expect(fault).toContain(name)
    expect(fault).not.toContain(stored)
  })

  it('that would keep a thread busy for seconds is refused', () => {
    const digest = crypt('x', '$6$salt$').split('$').at(-1)
    expect(oldHashFault(`$6$rounds=500000$salt$${digest}`)).toBeUndefined()
    expect(oldHashFault(`$6$rounds=500001$salt$${digest}`)).toMatch(/500001 rounds/)
    const bcrypt = crypt('x', '$2y$05$abcdefghijklmnopqrstuu')
    expect(oldHashFault(bcrypt)).toBeUndefined()
    expect(oldHashFault(bcrypt.replace('$05$', '$15$'))).toMatch(/cost of 15/)
  })

  it('is told from argon2id by its prefix', () => {
    for (const setting of settings) expect(isOldHash(crypt('x', setting))).toBe(true)
    expect(isOldHash('$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA')).toBe(false)
  })

  it('can be anything at all without harm', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (stored, password) => {
        expect(verify(stored, password)).toBe(false)
        expect(oldHashFault(stored)).toBeTypeOf('string')
      }),
    )
  })
})

describe('checks of such hashes', () => {
  const stored = crypt('right', '$6$saltstring$')
  /** Minutes of work. */
  const endless = stored.replace('$6$', '$6$rounds=99999999$')

  it('run in threads, at the same time and beside everything else', async () => {
    const hashes = new OldHashes({ threads: 2, waiting: 100 })
    let ticks = 0
    const ticking = setInterval(() => {
      ticks += 1
    }, 1)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        hashes.verify(stored, new Secret(at % 2 === 0 ? 'right' : 'wrong')),
      ),
    )
    clearInterval(ticking)
    expect(answers).toEqual(answers.map((_, at) => at % 2 === 0))
    expect(ticks).toBeGreaterThan(20)
  })

  it('are refused where too many wait', async () => {
    const hashes = new OldHashes({ threads: 1, waiting: 2 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 9 }, () => hashes.verify(stored, new Secret('right'))),
    )
    expect(outcomes.map(({ status }) => status === 'fulfilled').filter(Boolean)).toHaveLength(3)
  })

  it('that take too long are given up, and their thread with them', async () => {
    const hashes = new OldHashes({ threads: 1, waiting: 2, patienceMs: 500 })
    await expect(hashes.verify(endless, new Secret('right'))).rejects.toThrow(
      'password checks: an imported hash took over 500 ms',
    )
    const next = () => hashes.verify(stored, new Secret('right')).catch(() => false)
    await expect.poll(next, { timeout: 10_000 }).toBe(true)
  })

  it('take no less time than those of argon2id, right or wrong', async () => {
    const hashes = new PasswordHashes({ parallel: 1, waiting: 100 })
    const quick = crypt('right', '$1$abcdefgh$')
    await hashes.verify(quick, new Secret('right'))
    const taken = { unknown: [] as number[], imported: [] as number[] }
    const time = async (of: number[], work: () => Promise<unknown>) => {
      const begun = performance.now()
      await work()
      of.push(performance.now() - begun)
    }
    // In turn, so that a busy machine slows both alike.
    for (let round = 0; round < 25; round += 1) {
      await time(taken.unknown, () => hashes.verifyNothing(new Secret('wrong')))
      await time(taken.imported, () => hashes.verify(quick, new Secret('wrong')))
    }
    const median = (of: readonly number[]) => of.toSorted((one, other) => one - other)[12] ?? 0
    expect(median(taken.imported)).toBeGreaterThan(median(taken.unknown) * 0.6)
  })

  it('take the password as it was typed, and composed as other keyboards do', async () => {
    const hashes = new PasswordHashes({ parallel: 2, waiting: 9 })
    const composed = crypt('caf\u00e9', '$5$saltstring$')
    expect(await hashes.verify(composed, new Secret('cafe\u0301'))).toBe(true)
    const decomposed = crypt('cafe\u0301', '$5$saltstring$')
    expect(await hashes.verify(decomposed, new Secret('cafe\u0301'))).toBe(true)
    expect(await hashes.verify(composed, new Secret('cafe'))).toBe(false)
  })
})
