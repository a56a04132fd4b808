import { MIN_SEED_OCTETS } from './one-time-code.ts'
import { Secret } from './secret.ts'

const MAX_SEED_OCTETS = 64
/** RFC 4226 §4 R6: 128 bits are required, 160 recommended. */
const GOOD_SEED_OCTETS = 16
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What is to be told of such a seed. */
export const SHORT_SEED =
  'the seed has under 128 bits (RFC 4226 §4); let the user enrol again with a longer one'

/** What is wrong with a seed that somebody gave, without the seed. */
export class BadSeed extends Error {
  override readonly name = 'BadSeed'
}

/** Whether the seed is shorter than RFC 4226 §4 R6 demands. */
export function isShortSeed(seed: Secret): boolean {
  return seed.bytes().length < GOOD_SEED_OCTETS
}

/** @param text hexadecimal. @throws BadSeed */
export function seedOfHex(text: string): Secret {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new BadSeed('the seed is not written in hexadecimal')
  return seedOf(Buffer.from(text, 'hex'))
}

/**
 * Reads base32 (RFC 4648 §6) in any case, with or without padding, with blanks and hyphens between groups. Bits past the
 * last octet are left out, as authenticator apps do. @throws BadSeed
 */
export function seedOfBase32(text: string): Secret {
  const digits = text.replaceAll(/[\s-]/g, '').replace(/=+$/, '').toUpperCase()
  if (!/^[A-Z2-7]+$/.test(digits)) throw new BadSeed('the seed is not written in base32')
  const octets: number[] = []
  let [bits, count] = [0, 0]
  for (const digit of digits) {
    bits = ((bits << 5) | BASE32.indexOf(digit)) & 0xfff
    count += 5
    if (count < 8) continue
    count -= 8
    octets.push((bits >> count) & 0xff)
  }
  if (count >= 5) throw new BadSeed('the seed is cut short: no octets have so many digits of base32')
  return seedOf(Buffer.from(octets))
}

/**
 * Reads hexadecimal or base32. A seed in base32 that has only signs of hexadecimal is less likely than 1 in 10¹².
 * @throws BadSeed
 */
export function seedIn(text: string): Secret {
  const digits = text.replaceAll(/[\s-]/g, '')
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? seedOfHex(digits) : seedOfBase32(text)
}

/** @throws BadSeed where it is too short or too long. */
export function seedOf(octets: Buffer): Secret {
  const { length } = octets
  if (length < MIN_SEED_OCTETS)
    throw new BadSeed(`the seed has ${length * 8} bits; ${MIN_SEED_OCTETS * 8} is the least that is taken`)
  if (length > MAX_SEED_OCTETS) throw new BadSeed(`the seed has over ${MAX_SEED_OCTETS} octets`)
  return new Secret(octets)
}
