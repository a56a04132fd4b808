import type { TotpAlgorithm, TotpShape } from '../../domain/enrolment.ts'
import { enrolmentNameIn } from '../../domain/enrolment-name.ts'
import type { Secret } from '../../domain/secret.ts'
import * as seeds from '../../domain/seed-text.ts'
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
  /** The user's word for the authenticator. */
  readonly label?: string
  /** Codes of eight digits that work once each in place of a code. */
  readonly scratchCodes?: readonly string[]
}

/** A higher counter must be a mistake, and higher numbers lose precision. */
const MAX_COUNTER = 2 ** 40
const MAX_PERIOD_S = 300

/** For tokens of which a user may have several: none of them twice. */
export function tokenKey({ name, seed }: Pick<ImportedToken, 'name' | 'seed'>): string {
  return `${name}\0${seed.bytes().toString('hex')}`
}

/** Those of the domain; each @throws BadLine */
export const seedOf = orBadLine(seeds.seedOf)
export const seedOfHex = orBadLine(seeds.seedOfHex)
export const seedOfBase32 = orBadLine(seeds.seedOfBase32)
export const seedIn = orBadLine(seeds.seedIn)

function orBadLine<Given>(read: (given: Given) => Secret): (given: Given) => Secret {
  return (given) => {
    try {
      return read(given)
    } catch (error) {
      throw error instanceof seeds.BadSeed ? new BadLine(error.message) : error
    }
  }
}

/** @throws BadLine where people could not see what it says. */
export function labelIn(text: string | undefined): string | undefined {
  const read = enrolmentNameIn(text ?? '')
  if ('name' in read) return read.name
  if (read.wrong === 'empty') return undefined
  throw new BadLine(`the label is ${read.wrong === 'long' ? 'too long' : 'not all visible'}`)
}

/** @param text `hmac` is LinOTP's word for hotp. @throws BadLine */
export function kindIn(text: string): ImportedToken['kind'] {
  const kind = text.toLowerCase().replace(/^oath[-/_]/, '')
  if (kind === 'totp') return kind
  if (kind === 'hotp' || kind === 'hmac') return 'hotp'
  throw new BadLine('the type is neither totp nor hotp')
}

/** @throws BadLine */
export function counterIn(text: string): number {
  const counter = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN
  if (!(counter <= MAX_COUNTER)) throw new BadLine('the counter is not a number, or too large a one')
  return counter
}

/** @param text seconds that the token's clock is ahead. @returns milliseconds. @throws BadLine */
export function driftIn(what: string, text: string): number {
  if (!/^-?\d{1,6}(?:\.\d+)?$/.test(text)) throw new BadLine(`${what} is not a number of seconds`)
  return Math.round(Number(text) * 1000)
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
