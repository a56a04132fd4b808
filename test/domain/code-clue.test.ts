import fc from 'fast-check'
import { generateSync } from 'otplib'
import { describe, expect, it } from 'vitest'
import { clueTo, clueWords } from '../../src/domain/code-clue.ts'
import { Secret } from '../../src/domain/secret.ts'

const SEED = new Secret(Buffer.from('twenty octets of it!'))
const NOW = Date.UTC(2026, 5, 1, 12, 0, 15)
const TOKEN = { digits: 6, period: 30, algorithm: 'sha1', lastStep: -1 } as const
const STEP = Math.floor(NOW / 30_000)

type Shape = Pick<Parameters<typeof generateSync>[0], 'algorithm' | 'digits' | 'period'>

function codeAt(seconds: number, shape: Shape = {}): string {
  return generateSync({ secret: SEED.bytes(), epoch: NOW / 1000 + seconds, ...shape })
}

const clue = (code: string, token: Parameters<typeof clueTo>[2] = TOKEN) => clueTo(code, SEED, token, NOW)

describe('a wrong code', () => {
  it.each([
    [codeAt(180), { aheadSeconds: 180 }, 'right on a clock 3 m ahead'],
    [codeAt(-90), { aheadSeconds: -90 }, 'right on a clock 90 s behind'],
    [codeAt(3570), { aheadSeconds: 3570 }, 'right on a clock 60 m ahead'],
    [codeAt(0, { algorithm: 'sha256' }), { algorithm: 'sha256' }, 'SHA-256 in the app'],
    [codeAt(0, { digits: 8 }), { digits: 8 }, '8 digits in the app'],
    [
      codeAt(90, { digits: 8, algorithm: 'sha512' }),
      { aheadSeconds: 90, algorithm: 'sha512', digits: 8 },
      'right on a clock 90 s ahead, SHA-512 in the app, 8 digits in the app',
    ],
  ] as const)('%s is told by %j', (code, expected, words) => {
    expect(clue(code)).toEqual(expected)
    expect(clueWords(expected)).toBe(words)
  })

  it('tells nothing beyond an hour, nor of what is no code', () => {
    expect(
      [codeAt(3700), codeAt(-3700), '', 'abcdef', '12345', '123456789'].map((code) => clue(code)),
    ).toEqual(Array(6).fill(undefined))
  })

  it('by counter tells how many would have to be skipped', () => {
    const token = { ...TOKEN, kind: 'hotp', lastStep: STEP - 35 } as const
    expect(clue(codeAt(0), token)).toEqual({ skipped: 34 })
    expect(clueWords({ skipped: 34 })).toBe('right 34 codes further on')
    expect(clue(codeAt(0), { ...token, lastStep: STEP - 200 })).toBeUndefined()
  })

  it('has the time by which it is right, whatever the period', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.constantFrom(30, 60),
        fc.boolean(),
        (n, period, ahead) => {
          const steps = ahead ? n : -n
          const found = clue(codeAt(steps * period, { period }), { ...TOKEN, period })?.aheadSeconds ?? 0
          expect(Math.abs(found - steps * period)).toBeLessThanOrEqual(period / 2)
        },
      ),
    )
  })
})
