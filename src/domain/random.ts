import { randomBytes, randomFillSync } from 'node:crypto'
import { systemClock } from './clock.ts'

/** The only source of randomness; handed in, so tests can make it predictable. */
export interface Randomness {
  /** `length` octets from the system's cryptographic generator. */
  bytes(length: number): Buffer
  /**
   * A new record identifier: UUID version 7 (RFC 9562 §5.7). Identifiers sort by the time that they were made; those
   * of one process by the order too, even where the clock is set back.
   */
  id(): string
}

/** What the counter of a millisecond may begin at, and may not reach: 12 bits, the highest of them kept free at first. */
const COUNTER_START = 0x800
const COUNTER_END = 0x1000
const VERSION = 0x7000
/** The first digit behind the version, two bits of which are given (RFC 9562 §4.1). */
const VARIANTS = '89ab'

interface Moment {
  /** Milliseconds. */
  readonly at: number
  /** The same as an identifier begins. */
  readonly digits: string
  /** The place of the last identifier among those of that millisecond (RFC 9562 §6.2). */
  readonly counter: number
}

let last = momentOf(0, 0)

export const systemRandom: Randomness = {
  bytes: (length) => randomBytes(length),
  id: () => {
    const random = fromPool()
    last = following(last, systemClock.now(), random)
    const counter = (VERSION + last.counter).toString(16)
    const variant = VARIANTS.charAt(Number.parseInt(random.charAt(3), 16) % VARIANTS.length)
    return `${last.digits}-${counter}-${variant}${random.slice(4, 7)}-${random.slice(8)}`
  },
}

/** Octets for identifiers alone, which are no secrets: the system is asked once for many. */
const pool = Buffer.alloc(4000)
const DIGITS_OF_ID = 20
let digits = ''
let used = 0

/** @returns 20 hexadecimal digits. */
function fromPool(): string {
  if (used === digits.length) {
    digits = randomFillSync(pool).toString('hex')
    used = 0
  }
  used += DIGITS_OF_ID
  return digits.slice(used - DIGITS_OF_ID, used)
}

function following(moment: Moment, now: number, random: string): Moment {
  const { at, counter } = moment
  if (now > at) return momentOf(now, Number.parseInt(random.slice(0, 3), 16) % COUNTER_START)
  return counter + 1 < COUNTER_END ? { ...moment, counter: counter + 1 } : momentOf(at + 1, 0)
}

function momentOf(at: number, counter: number): Moment {
  const digits = at.toString(16).padStart(12, '0')
  return { at, digits: `${digits.slice(0, 8)}-${digits.slice(8)}`, counter }
}
