import { createHmac } from 'node:crypto'
import { generateSync } from 'otplib'
import { describe, expect, it } from 'vitest'
import { matchHotp } from '../../src/domain/hotp.ts'
import { Secret } from '../../src/domain/secret.ts'

/** RFC 4226 Appendix D: the codes of the counters 0 to 9. */
const SEED = new Secret('12345678901234567890')
const CODES = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ')
const SHAPE = { digits: 6, algorithm: 'sha1' } as const

describe('a counter-based code', () => {
  it.each(CODES.map((code, counter) => [counter, code] as const))(
    'RFC 4226 Appendix D: of counter %i',
    (counter, code) =>
      expect(matchHotp(SEED, SHAPE, code, counter - 1)).toEqual({ kind: 'right', step: counter, driftMs: 0 }),
  )

  it('is found up to ten codes ahead, and no further', () => {
    const codeOf = (counter: number) => generateSync({ strategy: 'hotp', secret: SEED.bytes(), counter })
    expect(matchHotp(SEED, SHAPE, codeOf(15), 4)).toEqual({ kind: 'right', step: 15, driftMs: 0 })
    expect(matchHotp(SEED, SHAPE, codeOf(16), 4)).toEqual({ kind: 'wrong' })
  })

  it('that was accepted last is told apart from a wrong one, and older ones are wrong', () => {
    expect(matchHotp(SEED, SHAPE, '969429', 3)).toEqual({ kind: 'used' })
    expect(matchHotp(SEED, SHAPE, '359152', 3)).toEqual({ kind: 'wrong' })
    expect(matchHotp(SEED, SHAPE, '000000', 3)).toEqual({ kind: 'wrong' })
  })

  it.each(['', '75522', '7552240', '75522a', '٧٥٥٢٢٤', '+75522'])(
    'is refused, not thrown at, where it is %j',
    (typed) => expect(matchHotp(SEED, SHAPE, typed, -1)).toEqual({ kind: 'wrong' }),
  )

  it('is made from a seed of 80 bits as well, as older authenticators have', () => {
    const seed = Buffer.from('1234567890')
    const digest = createHmac('sha1', seed).update(Buffer.alloc(8)).digest()
    const number = digest.readUInt32BE((digest[19] ?? 0) & 0xf) & 0x7fffffff
    const code = String(number % 1_000_000).padStart(6, '0')
    expect(matchHotp(new Secret(seed), SHAPE, code, -1)).toEqual({ kind: 'right', step: 0, driftMs: 0 })
  })
})
