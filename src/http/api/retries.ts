import { createHash } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import type { EphemeralStore } from '../../domain/ephemeral-store.ts'
import { Problem, secondsOf } from '../problem.ts'
import type { Answer, Call } from './call.ts'

/** A write with an Idempotency-Key. Plain JSON. */
export interface KeptWrite {
  /** A digest of the request, which tells a retry from another request. */
  readonly digest: string
  /** Absent while the write is in progress. */
  readonly answer?: Answer
}

export interface RetriesOptions {
  readonly kept: EphemeralStore<KeptWrite>
  /** Stored keys per caller, so that no caller takes the room of the others. */
  readonly mostOfOne: number
  readonly clock: Clock
}

const KEEP_MS = 24 * 3_600_000
/** If a broker dies during a write, its key stays taken for this long. */
const DONE_WITHIN_MS = 60_000

/** Does each write once per key of a caller. */
export class Retries {
  readonly #options: RetriesOptions
  /** When each caller's stored keys expire, in monotonic milliseconds, soonest first. */
  readonly #ends = new Map<string, number[]>()

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /** Repeats the first answer to a key that is sent again. @throws Problem */
  async once(call: Call, write: () => Promise<Answer>): Promise<Answer> {
    const { kept } = this.#options
    const given = call.request.get('idempotency-key')
    if (given === undefined) return write()
    const caller = call.caller.key
    const key = digestOf(caller, given)
    const { method, originalUrl, body } = call.request
    const digest = digestOf(method, originalUrl, JSON.stringify(body))
    const before = await kept.get(key)
    if (before !== undefined) return again(call, before, digest)
    const giveBack = this.#count(caller)
    try {
      if (!(await kept.putIfAbsent(key, { digest }, DONE_WITHIN_MS)))
        throw new Problem('request-in-progress', { retryAfter: 1 })
    } catch (error) {
      giveBack()
      throw error
    }
    try {
      const answer = await write()
      await kept.put(key, { digest, answer }, KEEP_MS)
      return answer
    } catch (error) {
      // The write failed: the same key may be used again.
      giveBack()
      await kept.delete(key)
      throw error
    }
  }

  /** @returns a function that uncounts the key. @throws Problem `too-many-requests` */
  #count(caller: string): () => void {
    const { clock, mostOfOne } = this.#options
    const now = clock.monotonic()
    this.#forget(now)
    const ends = this.#ends.get(caller) ?? []
    const [first] = ends
    if (first !== undefined && ends.length >= mostOfOne)
      throw new Problem('too-many-requests', {
        detail: `${mostOfOne} Idempotency-Keys of this caller are stored already.`,
        retryAfter: secondsOf(first - now),
      })
    const end = now + KEEP_MS
    ends.push(end)
    this.#ends.set(caller, ends)
    return () => void ends.splice(ends.indexOf(end), 1)
  }

  #forget(now: number): void {
    for (const [caller, ends] of this.#ends) {
      while (ends[0] !== undefined && ends[0] <= now) ends.shift()
      if (ends.length === 0) this.#ends.delete(caller)
    }
  }
}

function again(call: Call, { digest: first, answer }: KeptWrite, digest: string): Answer {
  if (first !== digest) throw new Problem('key-reused')
  if (answer === undefined) throw new Problem('request-in-progress', { retryAfter: 1 })
  call.response.set('Idempotent-Replayed', 'true')
  return answer
}

function digestOf(...parts: readonly string[]): string {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(`${Buffer.byteLength(part)}:${part}`)
  return digest.digest('base64url')
}
