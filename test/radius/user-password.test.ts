import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { decryptUserPassword, encryptUserPassword } from '../../src/radius/user-password.ts'
import { octetsOf } from './arbitraries.ts'

const secret = new SharedSecret(Buffer.from('a secret'))
const authenticator = Buffer.from('0123456789abcdef')

test('a password of 1 to 128 octets comes back as it was, whatever the secret', () => {
  const password = octetsOf(1, 128).filter((octets) => octets.at(-1) !== 0)
  fc.assert(
    fc.property(password, octetsOf(16), octetsOf(1, 100), (sent, randomOctets, secretOctets) => {
      const shared = new SharedSecret(secretOctets)
      const value = encryptUserPassword(sent, randomOctets, shared)
      expect(value.length).toBe(Math.ceil(sent.length / 16) * 16)
      expect(decryptUserPassword(value, randomOctets, shared)).toEqual(sent)
    }),
  )
})

describe('decrypting', () => {
  test('takes the attribute without a value as the empty password', () => {
    expect(decryptUserPassword(Buffer.of(), authenticator, secret)).toEqual(Buffer.of())
  })

  test('takes a block of padding as the empty password', () => {
    const value = encryptUserPassword(Buffer.of(), authenticator, secret)
    expect(value).toHaveLength(16)
    expect(decryptUserPassword(value, authenticator, secret)).toEqual(Buffer.of())
  })

  test('keeps a NUL inside the password and strips those at its end', () => {
    const value = encryptUserPassword(Buffer.from('ab\0cd\0\0'), authenticator, secret)
    expect(decryptUserPassword(value, authenticator, secret)).toEqual(Buffer.from('ab\0cd'))
  })

  test.each([1, 15, 17, 31, 127, 129, 144, 253])('gives nothing for a value of %d octets', (length) => {
    expect(decryptUserPassword(Buffer.alloc(length), authenticator, secret)).toBeUndefined()
  })

  test('leaves the packet as it was', () => {
    const value = encryptUserPassword(Buffer.from('a password of two blocks'), authenticator, secret)
    const before = Buffer.from(value)
    decryptUserPassword(value, authenticator, secret)
    expect(value).toEqual(before)
  })

  test('gives something else for another secret or another authenticator', () => {
    const sent = Buffer.from('correct horse')
    const value = encryptUserPassword(sent, authenticator, secret)
    const other = new SharedSecret(Buffer.from('another secret'))
    expect(decryptUserPassword(value, authenticator, other)).not.toEqual(sent)
    expect(decryptUserPassword(value, Buffer.alloc(16), secret)).not.toEqual(sent)
  })
})

test('encrypting refuses 129 octets and takes 128', () => {
  expect(encryptUserPassword(Buffer.alloc(128, 1), authenticator, secret)).toHaveLength(128)
  expect(() => encryptUserPassword(Buffer.alloc(129, 1), authenticator, secret)).toThrow(RangeError)
})
