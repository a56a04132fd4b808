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

/** The time of the last identifier in milliseconds, and its place among those of that millisecond (RFC 9562 §6.2). */
let last = { at: 0, counter: 0 }

export const systemRandom: Randomness = {
  bytes: (length) => randomBytes(length),
  id: () => {
    const random = fromPool()
    last = following(last, systemClock.now(), random.readUInt16BE(0) % COUNTER_START)
    const time = last.at.toString(16).padStart(12, '0')
    const counter = last.counter.toString(16).padStart(3, '0')
    const variant = ((random.readUInt16BE(2) & 0x3fff) | 0x8000).toString(16)
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${variant}-${random.toString('hex', 4)}`
  },
}

/** Octets for identifiers alone, which are no secrets: the system is asked once for many. */
const pool = Buffer.alloc(4000)
const OCTETS_OF_ID = 10
let used = pool.length

function fromPool(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += OCTETS_OF_ID
  return pool.subarray(used - OCTETS_OF_ID, used)
}

function following({ at, counter }: typeof last, now: number, start: number): typeof last {
  if (now > at) return { at: now, counter: start }
  return counter + 1 < COUNTER_END ? { at, counter: counter + 1 } : { at: at + 1, counter: start }
}
