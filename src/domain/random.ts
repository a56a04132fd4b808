import { randomBytes, randomFillSync } from 'node:crypto'
import { systemClock } from './clock.ts'

/** The only source of randomness; injected, so that tests can make it predictable. */
export interface Randomness {
  /** `length` octets from the system's cryptographic generator. */
  bytes(length: number): Buffer
  /**
   * A new record identifier: UUID version 7 (RFC 9562 §5.7). Identifiers sort by time, and within one process by order,
   * even if the clock is set back.
   */
  id(): string
}

/** The counter within a millisecond begins below START and stays below END (12 bits), so that it has room to grow. */
const COUNTER_START = 0x800
const COUNTER_END = 0x1000
const VERSION = 0x7000
/** The first digit of the last two groups; two of its bits are fixed (RFC 9562 §4.1). */
const VARIANTS = '89ab'

interface Moment {
  /** Milliseconds. */
  readonly at: number
  /** The same as the beginning of an identifier. */
  readonly digits: string
  /** Of the last identifier in that millisecond (RFC 9562 §6.2). */
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

/** Random octets for identifiers, which are no secrets: one system call serves many. */
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
