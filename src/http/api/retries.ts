import { createHash } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import type { PassingStore } from '../../domain/passing-store.ts'
import { Problem, secondsOf } from '../problem.ts'
import type { Answer, Call } from './call.ts'

/** A write that was begun under an Idempotency-Key. Plain JSON. */
export interface KeptWrite {
  /** Tells one request from another. */
  readonly digest: string
  /** Absent while the write is being done. */
  readonly answer?: Answer
}

export interface RetriesOptions {
  readonly kept: PassingStore<KeptWrite>
  /** Keys of one caller that are kept at one time: none takes the room of the others. */
  readonly mostOfOne: number
  readonly clock: Clock
}

const KEEP_MS = 24 * 3_600_000
/** A broker that ends in the midst of a write leaves its key taken for no longer than this. */
const DONE_WITHIN_MS = 60_000

/** Does writes once for each key of a caller. */
export class Retries {
  readonly #options: RetriesOptions
  /** By caller, when what is kept for it ends, in monotonic milliseconds, soonest first. */
  readonly #ends = new Map<string, number[]>()

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /** Whoever sends a key again is answered as the first time. @throws Problem */
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
      // Nothing was written, as far as anybody knows: the same key may try again.
      giveBack()
      await kept.delete(key)
      throw error
    }
  }

  /** @returns what takes it back. @throws Problem `too-many-requests` */
  #count(caller: string): () => void {
    const { clock, mostOfOne } = this.#options
    const now = clock.monotonic()
    this.#forget(now)
    const ends = this.#ends.get(caller) ?? []
    const [first] = ends
    if (first !== undefined && ends.length >= mostOfOne)
      throw new Problem('too-many-requests', {
        detail: `${mostOfOne} Idempotency-Keys of this caller are kept already.`,
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
