import type { TotpAlgorithm, TotpShape } from '../../domain/enrolment.ts'
import { MIN_SEED_OCTETS } from '../../domain/one-time-code.ts'
import { Secret } from '../../domain/secret.ts'
import { BadLine } from './file-lines.ts'

/** An authenticator of another program's file. */
export interface ImportedToken extends TotpShape {
  /** The user's name, canonical. */
  readonly name: string
  readonly kind: 'totp' | 'hotp'
  readonly seed: Secret
  /** As `Enrolment.lastStep`: for `hotp` the last counter that was used, -1 before the first. */
  readonly lastStep: number
  /** As `Enrolment.driftMs`; absent: 0. */
  readonly driftMs?: number
  /** Codes of eight digits that work once each in place of a code. */
  readonly scratchCodes?: readonly string[]
}

const MAX_SEED_OCTETS = 64
/** RFC 4226 §4 R6: 128 bits are required, 160 recommended. */
const GOOD_SEED_OCTETS = 16
/** A higher counter must be a mistake, and higher numbers lose precision. */
const MAX_COUNTER = 2 ** 40
const MAX_PERIOD_S = 300
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Whether the seed is shorter than RFC 4226 §4 R6 demands. */
export function isShort({ seed }: Pick<ImportedToken, 'seed'>): boolean {
  return seed.bytes().length < GOOD_SEED_OCTETS
}

/** @param text hexadecimal. @throws BadLine */
export function seedOfHex(text: string): Secret {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new BadLine('the seed is not written in hexadecimal')
  return seedOf(Buffer.from(text, 'hex'))
}

/**
 * Reads base32 (RFC 4648 §6) in any case, with or without padding, with blanks and hyphens between groups. Bits past the
 * last octet are left out, as authenticator apps do. @throws BadLine
 */
export function seedOfBase32(text: string): Secret {
  const digits = text.replaceAll(/[\s-]/g, '').replace(/=+$/, '').toUpperCase()
  if (!/^[A-Z2-7]+$/.test(digits)) throw new BadLine('the seed is not written in base32')
  const octets: number[] = []
  let [bits, count] = [0, 0]
  for (const digit of digits) {
    bits = ((bits << 5) | BASE32.indexOf(digit)) & 0xfff
    count += 5
    if (count < 8) continue
    count -= 8
    octets.push((bits >> count) & 0xff)
  }
  if (count >= 5) throw new BadLine('the seed is cut short: no octets have so many digits of base32')
  return seedOf(Buffer.from(octets))
}

/** @throws BadLine where it is too short or too long. */
export function seedOf(octets: Buffer): Secret {
  const { length } = octets
  if (length < MIN_SEED_OCTETS)
    throw new BadLine(`the seed has ${length * 8} bits; ${MIN_SEED_OCTETS * 8} is the least that is taken`)
  if (length > MAX_SEED_OCTETS) throw new BadLine(`the seed has over ${MAX_SEED_OCTETS} octets`)
  return new Secret(octets)
}

/** @throws BadLine */
export function counterIn(text: string): number {
  const counter = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN
  if (!(counter <= MAX_COUNTER)) throw new BadLine('the counter is not a number, or too large a one')
  return counter
}

/** @param text seconds. @throws BadLine */
export function periodIn(text: string): number {
  const period = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (period < 1 || period > MAX_PERIOD_S)
    throw new BadLine(`the period is not a number of seconds from 1 to ${MAX_PERIOD_S}`)
  return period
}

/** @throws BadLine */
export function digitsIn(text: string): number {
  if (!/^[678]$/.test(text)) throw new BadLine('the number of digits is none of 6, 7 and 8')
  return Number(text)
}

/** @throws BadLine */
export function algorithmIn(text: string): TotpAlgorithm {
  const algorithm = text.toLowerCase().replace(/^(?:hmac-?)?sha-?/, 'sha')
  if (algorithm === 'sha1' || algorithm === 'sha256' || algorithm === 'sha512') return algorithm
  throw new BadLine('the algorithm is none of SHA1, SHA256 and SHA512')
}
