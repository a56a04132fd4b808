import { createHmac, hash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { octetsOf } from './arbitraries.ts'

const packet = octetsOf(38, 4096)

test('the Message-Authenticator is the HMAC-MD5 that OpenSSL computes, for secrets of every length', () => {
  fc.assert(
    fc.property(octetsOf(1, 200), packet, octetsOf(16), (octets, raw, authenticator) => {
      const counted = Buffer.from(raw)
      counted.set(authenticator, 4)
      counted.fill(0, 22, 38)
      const before = Buffer.from(raw)
      const digest = new SharedSecret(octets).messageAuthenticator(raw, authenticator, 22)
      expect(digest).toEqual(createHmac('md5', octets).update(counted).digest())
      expect(raw).toEqual(before)
    }),
  )
})

test('the authenticator is the MD5 of the packet and the secret', () => {
  fc.assert(
    fc.property(octetsOf(1, 200), packet, octetsOf(16), (octets, raw, authenticator) => {
      const counted = Buffer.from(raw)
      counted.set(authenticator, 4)
      const digest = new SharedSecret(octets).authenticator(raw, authenticator)
      expect(digest).toEqual(hash('md5', Buffer.concat([counted, octets]), 'buffer'))
    }),
  )
})

test('the longest packet and the longest secret fit together', () => {
  const octets = Buffer.alloc(1024, 0x5a)
  const raw = Buffer.alloc(4096, 0xa5)
  expect(new SharedSecret(octets).authenticator(raw, raw.subarray(4, 20))).toEqual(
    hash('md5', Buffer.concat([raw, octets]), 'buffer'),
  )
})

test('two secrets used in turn do not disturb each other', () => {
  const one = new SharedSecret(Buffer.from('one'))
  const two = new SharedSecret(Buffer.alloc(100, 0x32))
  const raw = Buffer.alloc(60, 1)
  const before = one.messageAuthenticator(raw, Buffer.alloc(16), 22)
  two.messageAuthenticator(Buffer.alloc(4096, 2), Buffer.alloc(16), 30)
  expect(one.messageAuthenticator(raw, Buffer.alloc(16), 22)).toEqual(before)
})

test('a secret keeps its own octets when the caller wipes the Buffer', () => {
  const octets = Buffer.from('wiped afterwards')
  const secret = new SharedSecret(octets)
  octets.fill(0)
  const same = new SharedSecret(Buffer.from('wiped afterwards'))
  const raw = Buffer.alloc(60, 1)
  const zeros = Buffer.alloc(16)
  expect(secret.authenticator(raw, zeros)).toEqual(same.authenticator(raw, zeros))
  expect(secret.messageAuthenticator(raw, zeros, 22)).toEqual(same.messageAuthenticator(raw, zeros, 22))
  expect(secret.passwordPad(zeros)).toEqual(same.passwordPad(zeros))
})

test('an empty secret and one of over 1024 octets are refused', () => {
  expect(() => new SharedSecret(Buffer.of())).toThrow(RangeError)
  expect(() => new SharedSecret(Buffer.alloc(1025, 1))).toThrow(RangeError)
})

test('a secret never prints itself', () => {
  const secret = new SharedSecret(Buffer.from('xyzzy5461'))
  expect(`${secret}`).toBe('***')
  expect(JSON.stringify({ secret })).toBe('{"secret":"***"}')
  expect(inspect({ secret }, { showHidden: true, depth: 9 })).toBe('{ secret: *** }')
  expect(Object.keys(secret)).toEqual([])
})
