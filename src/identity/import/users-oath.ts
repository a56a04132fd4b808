import type { TotpShape } from '../../domain/enrolment.ts'
import { MIN_SEED_OCTETS } from '../../domain/one-time-code.ts'
import { Secret } from '../../domain/secret.ts'
import { BadLine, nameIn, type Parsed, readLines } from './file-lines.ts'

/** An authenticator of liboath's file. */
export interface ImportedToken extends TotpShape {
  /** The user's name, canonical. */
  readonly name: string
  readonly kind: 'totp' | 'hotp'
  readonly seed: Secret
  /** As `Enrolment.lastStep`: for `hotp` the last counter that was used, -1 before the first. */
  readonly lastStep: number
}

const TYPE = /^HOTP(?:\/(E|T30|T60)(?:\/([678]))?)?$/
const MAX_SEED_OCTETS = 64
/** A higher counter must be a mistake, and higher numbers lose precision. */
const MAX_COUNTER = 2 ** 40

/**
 * Reads liboath's file of users, `type name pin seed [counter [last code [time]]]`, fields apart by blanks. The counter
 * is the next one to be used, or, if a last code follows it, the one of that code.
 */
export function parseUsersOath(text: string): Parsed<ImportedToken> {
  return readLines(text, (line) => {
    const [type = '', typed = '', pin, hex, counter, lastCode] = line.trim().split(/\s+/)
    const shape = shapeOf(type)
    const name = nameIn(typed)
    if (pin === undefined || hex === undefined)
      throw new BadLine('the line is not of the form type name pin seed')
    if (pin !== '-' && pin !== '+')
      throw new BadLine('there is a PIN, which the broker does not ask for; write - in its place')
    const used = counterIn(counter) - (lastCode === undefined || lastCode === '-' ? 1 : 0)
    return { name, ...shape, seed: seedIn(hex), lastStep: shape.kind === 'hotp' ? used : -1 }
  })
}

/** @throws BadLine */
function shapeOf(type: string): Pick<ImportedToken, 'kind' | 'digits' | 'period' | 'algorithm'> {
  const match = TYPE.exec(type)
  if (match === null) {
    throw new BadLine(
      type.startsWith('OCRA')
        ? 'OCRA tokens are not taken'
        : 'the type is none of HOTP, HOTP/E/6, HOTP/T30, HOTP/T60 and the like',
    )
  }
  const [, movingFactor, digits = '6'] = match
  const counts = movingFactor === undefined || movingFactor === 'E'
  return {
    kind: counts ? 'hotp' : 'totp',
    digits: Number(digits),
    period: movingFactor === 'T60' ? 60 : 30,
    algorithm: 'sha1',
  }
}

/** @throws BadLine */
function counterIn(field: string | undefined): number {
  if (field === undefined) return 0
  const counter = /^\d{1,13}$/.test(field) ? Number(field) : Number.NaN
  if (!(counter <= MAX_COUNTER)) throw new BadLine('the counter is not a number, or too large a one')
  return counter
}

/** @throws BadLine */
function seedIn(hex: string): Secret {
  if (!/^(?:[0-9a-f]{2})+$/i.test(hex)) throw new BadLine('the seed is not written in hexadecimal')
  const octets = hex.length / 2
  if (octets < MIN_SEED_OCTETS)
    throw new BadLine(`the seed has ${octets * 8} bits; ${MIN_SEED_OCTETS * 8} is the least that is taken`)
  if (octets > MAX_SEED_OCTETS) throw new BadLine(`the seed has over ${MAX_SEED_OCTETS} octets`)
  return new Secret(Buffer.from(hex, 'hex'))
}
