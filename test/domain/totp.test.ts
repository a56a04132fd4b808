import fc from 'fast-check'
import { createGuardrails, generateSync } from 'otplib'
import { describe, expect, it } from 'vitest'
import type { TotpShape } from '../../src/domain/enrolment.ts'
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

const strict = { window: 0, resync: 0 }
const usual = { window: 1, resync: 10 }

function token(shape: TotpShape, more: { lastStep?: number; driftMs?: number } = {}) {
  return { ...shape, lastStep: -1, driftMs: 0, ...more }
}

describe('a time-based code', () => {
  it.each(VECTORS)('RFC 6238 Appendix B: at %i with %s', (seconds, algorithm, length, code) => {
    const shape = { digits: 8, period: 30, algorithm }
    expect(matchTotp(seedOf(length), token(shape), code, seconds * 1000, strict)).toEqual({
      kind: 'right',
      step: Math.floor(seconds / 30),
      driftMs: 0,
    })
  })

  const shape = { digits: 8, period: 30, algorithm: 'sha1' } as const
  const code = '94287082' // of step 1

  it('is taken one step early and one step late with a window of one, and no further', () => {
    const at = (seconds: number, window: number) =>
      matchTotp(seedOf(20), token(shape), code, seconds * 1000, { window, resync: 0 }).kind
    expect([at(0, 1), at(30, 1), at(59, 1), at(60, 1), at(89, 1)]).toEqual(Array(5).fill('right'))
    expect(at(90, 1)).toBe('wrong')
    expect(at(60, 0)).toBe('wrong')
  })

  it('of a step that was accepted before is told apart from a wrong one', () => {
    expect(matchTotp(seedOf(20), token(shape, { lastStep: 1 }), code, 59_000, usual)).toEqual({
      kind: 'used',
    })
    expect(matchTotp(seedOf(20), token(shape, { lastStep: 0 }), code, 59_000, usual)).toMatchObject({
      kind: 'right',
      step: 1,
    })
  })

  it.each(['', '9428708', '942870821', '9428708a', '٩٤٢٨٧٠٨٢', '+4287082', '9.287082'])(
    'is refused, not thrown at, where it is %j',
    (typed) => expect(matchTotp(seedOf(20), token(shape), typed, 59_000, usual)).toEqual({ kind: 'wrong' }),
  )
})

it.each([0, 9])('of a seed of %i octets is never taken', (length) => {
  const secret = Buffer.alloc(length)
  // An HMAC fills a key up with zeros, so that one octet of zero has the same codes (RFC 2104 §2).
  const code = generateSync({
    secret: Buffer.alloc(1),
    epoch: 59,
    guardrails: createGuardrails({ MIN_SECRET_BYTES: 1 }),
  })
  const shape = { digits: 6, period: 30, algorithm: 'sha1' } as const
  const check = () => matchTotp(new Secret(secret), token(shape), code, 59_000, usual)
  expect(check).toThrow('10 octets')
})

it('is the code of otplib, whatever the seed, the digits and the digest', () => {
  const seeds = fc.uint8Array({ minLength: 16, maxLength: 64 })
  const digits = fc.constantFrom(6 as const, 7 as const, 8 as const)
  const algorithms = fc.constantFrom('sha1' as const, 'sha256' as const, 'sha512' as const)
  fc.assert(
    fc.property(seeds, digits, algorithms, fc.nat({ max: 2 ** 31 }), (secret, digits, algorithm, epoch) => {
      const code = generateSync({ secret, digits, algorithm, epoch })
      const shape = { digits, period: 30, algorithm }
      const answer = matchTotp(new Secret(Buffer.from(secret)), token(shape), code, epoch * 1000, strict)
      expect(answer).toMatchObject({ kind: 'right', step: Math.floor(epoch / 30) })
    }),
  )
})

describe('a token whose clock is off', () => {
  const shape = { digits: 6, period: 30, algorithm: 'sha1' } as const
  const secret = Buffer.alloc(20, 7)
  const seed = new Secret(secret)
  const NOON = 1_800_000_000_000
  const codeOf = (step: number) =>
    generateSync({ secret, digits: 6, algorithm: 'sha1', epoch: step * 30 }) as string

  /** A user who logs in with a token that is `ahead` seconds fast; a second code is typed where the first is wrong. */
  function user(resync = 10) {
    let known = token(shape)
    const show = (now: number, ahead: number, outside?: number) => {
      const code = codeOf(Math.floor((now / 1000 + ahead) / 30))
      return matchTotp(seed, known, code, now, { window: 1, resync }, outside)
    }
    return {
      get driftMs() {
        return known.driftMs
      },
      login(now: number, ahead: number): string {
        let answer = show(now, ahead)
        if (answer.kind === 'wrong' && answer.outside !== undefined)
          answer = show(now + 30_000, ahead, answer.outside)
        if (answer.kind === 'right') known = { ...known, lastStep: answer.step, driftMs: answer.driftMs }
        return answer.kind
      },
    }
  }

  it.each([60, 90, 290, -60, -94, -290])(
    'by %i s is set right by two codes in a row, and then in at once',
    (ahead) => {
      const { login } = user()
      expect(login(NOON, ahead)).toBe('right')
      const code = codeOf(Math.floor((NOON + 600_000) / 30_000 + ahead / 30))
      expect(code).toHaveLength(6)
      expect(login(NOON + 600_000, ahead)).toBe('right')
    },
  )

  it.each([340, -340])('by %i s is too far off', (ahead) => expect(user().login(NOON, ahead)).toBe('wrong'))

  it('stays refused where no drift is followed', () => {
    const { login } = user(0)
    expect(login(NOON, 60)).toBe('wrong')
    expect(login(NOON, 29)).toBe('right')
    expect(login(NOON + 60_000, 61)).toBe('wrong')
  })

  it('is followed as it drifts on, one step at a login', () => {
    const owner = user()
    for (let day = 0; day <= 30; day += 1)
      expect(owner.login(NOON + day * 86_400_000, day * 9), `${day * 9} s`).toBe('right')
    expect(owner.driftMs).toBeGreaterThan(240_000)
    expect(owner.driftMs).toBeLessThanOrEqual(270_000)
  })

  it('takes no two codes that do not follow each other', () => {
    const now = NOON
    const step = now / 30_000 + 5
    const first = matchTotp(seed, token(shape), codeOf(step), now, usual)
    expect(first).toEqual({ kind: 'wrong', outside: step })
    for (const other of [step, step + 2, step - 1])
      expect(matchTotp(seed, token(shape), codeOf(other), now, usual, step)).toMatchObject({ kind: 'wrong' })
    expect(matchTotp(seed, token(shape), codeOf(step + 1), now, usual, step)).toMatchObject({ kind: 'right' })
  })

  it('takes no code that was accepted before, nor an older one', () => {
    const step = NOON / 30_000 + 5
    for (const lastStep of [step + 1, step + 2])
      expect(matchTotp(seed, token(shape, { lastStep }), codeOf(step + 1), NOON, usual, step)).toEqual({
        kind: 'wrong',
      })
  })

  it('never leaves the bound, whatever was accepted', () => {
    const anyDrift = fc.integer({ min: -300_000, max: 300_000 })
    fc.assert(
      fc.property(anyDrift, fc.integer({ min: -1, max: 1 }), fc.nat({ max: 29_999 }), (driftMs, by, ms) => {
        const now = NOON + ms
        const step = Math.floor((now + driftMs) / 30_000) + by
        const answer = matchTotp(seed, token(shape, { driftMs }), codeOf(step), now, usual)
        if (answer.kind !== 'right') throw new Error(`${answer.kind} at ${driftMs}`)
        expect(Math.abs(answer.driftMs)).toBeLessThanOrEqual(300_000)
        expect(Math.abs(answer.driftMs - driftMs)).toBeLessThanOrEqual(60_000)
      }),
    )
  })
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
