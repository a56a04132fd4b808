import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOldHash, oldHashFault, readOldHash } from '../../src/identity/local/imported-hashes/scheme.ts'
import { verifyOldHash } from '../../src/identity/local/imported-hashes/verify.ts'
import { crypt, cryptAll, opensslPasswd } from '../real/password-tools.ts'

const verify = (stored: string, password: string) => verifyOldHash(stored, Buffer.from(password))

describe('a hash that another program made', () => {
  const settings = [
    '$1$abcdefgh$',
    '$1$a$',
    '$5$rounds=1000$saltstring$',
    '$5$rounds=1001$x$',
    '$6$rounds=1000$salt$',
    '$6$rounds=1001$sixteen.characte$',
    '$2y$05$abcdefghijklmnopqrstuu',
    '$2b$04$abcdefghijklmnopqrstuu',
  ]
  /** Around the lengths at which the schemes change what they do. */
  const lengths = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 72, 96, 127, 128]

  it.each(settings)(
    'with the setting %s is right for its password, of any length, and for no other',
    (setting) => {
      const passwords = lengths.map((length) => 'ü'.repeat(length >> 1) + 'x'.repeat(length % 2))
      const hashes = cryptAll(passwords, setting)
      for (const [at, password] of passwords.entries()) {
        const length = lengths[at]
        const stored = hashes[at] ?? expect.unreachable(setting)
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
