import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { matchTotp, newSeed, otpauthUri, seedAsBase32 } from '../../src/domain/totp.ts'

/** RFC 6238 Appendix B: the seeds are the ASCII digits, repeated to the digest's length. */
const seedOf = (length: number) => new Secret('1234567890'.repeat(7).slice(0, length))
const VECTORS = [
  [59, 'sha1', 20, '94287082'],
  [59, 'sha256', 32, '46119246'],
  [59, 'sha512', 64, '90693936'],
  [1111111109, 'sha1', 20, '07081804'],
  [1111111111, 'sha256', 32, '67062674'],
  [1234567890, 'sha512', 64, '93441116'],
  [2000000000, 'sha1', 20, '69279037'],
  [20000000000, 'sha512', 64, '47863826'],
] as const

describe('a time-based code', () => {
  it.each(VECTORS)('RFC 6238 Appendix B: at %i with %s', (seconds, algorithm, length, code) => {
    const shape = { digits: 8, period: 30, algorithm }
    expect(matchTotp(seedOf(length), shape, code, seconds * 1000, 0, -1)).toEqual({
      kind: 'right',
      step: Math.floor(seconds / 30),
    })
  })

  const shape = { digits: 8, period: 30, algorithm: 'sha1' } as const
  const code = '94287082' // of step 1

  it('is taken one step early and one step late with a window of one, and no further', () => {
    const at = (seconds: number, window: number) =>
      matchTotp(seedOf(20), shape, code, seconds * 1000, window, -1).kind
    expect([at(0, 1), at(30, 1), at(59, 1), at(60, 1), at(89, 1)]).toEqual(Array(5).fill('right'))
    expect(at(90, 1)).toBe('wrong')
    expect(at(60, 0)).toBe('wrong')
  })

  it('of a step that was accepted before is told apart from a wrong one', () => {
    expect(matchTotp(seedOf(20), shape, code, 59_000, 1, 1)).toEqual({ kind: 'used' })
    expect(matchTotp(seedOf(20), shape, code, 59_000, 1, 0)).toEqual({ kind: 'right', step: 1 })
  })

  it.each(['', '9428708', '942870821', '9428708a', '٩٤٢٨٧٠٨٢', '+4287082', '9.287082'])(
    'is refused, not thrown at, where it is %j',
    (typed) => expect(matchTotp(seedOf(20), shape, typed, 59_000, 1, -1)).toEqual({ kind: 'wrong' }),
  )
})

describe('a new seed', () => {
  it('has 160 bits and differs each time', () => {
    const [one, two] = [newSeed(), newSeed()]
    expect(one.bytes()).toHaveLength(20)
    expect(one.equals(two)).toBe(false)
  })

  it('goes into an otpauth URI with its shape', () => {
    const seed = newSeed()
    const uri = new URL(otpauthUri(seed, { digits: 8, period: 60, algorithm: 'sha256' }, 'Acme VPN', 'bob'))
    expect(uri.protocol).toBe('otpauth:')
    expect(Object.fromEntries(uri.searchParams)).toMatchObject({
      secret: seedAsBase32(seed),
      issuer: 'Acme VPN',
      digits: '8',
      period: '60',
      algorithm: 'SHA256',
    })
  })
})
