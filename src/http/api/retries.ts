import { createHash } from 'node:crypto'
import type { PassingStore } from '../../domain/passing-store.ts'
import { Problem } from '../problem.ts'
import type { Answer, Call } from './call.ts'

/** A write that was begun under an Idempotency-Key. Plain JSON. */
export interface KeptWrite {
  /** Tells one request from another. */
  readonly digest: string
  /** Absent while the write is being done. */
  readonly answer?: Answer
}

export type KeptWrites = PassingStore<KeptWrite>

const KEEP_MS = 24 * 3_600_000
/** A broker that ends in the midst of a write leaves its key taken for no longer than this. */
const DONE_WITHIN_MS = 60_000

/** Does a write once for each key of a caller; whoever sends it again is answered as the first time. @throws Problem */
export async function once(call: Call, kept: KeptWrites, write: () => Promise<Answer>): Promise<Answer> {
  const given = call.request.get('idempotency-key')
  if (given === undefined) return write()
  const key = digestOf(call.caller.key, given)
  const { method, originalUrl, body } = call.request
  const digest = digestOf(method, originalUrl, JSON.stringify(body))
  const before = await kept.get(key)
  if (before !== undefined) return again(call, before, digest)
  if (!(await kept.putIfAbsent(key, { digest }, DONE_WITHIN_MS)))
    throw new Problem('request-in-progress', { retryAfter: 1 })
  try {
    const answer = await write()
    await kept.put(key, { digest, answer }, KEEP_MS)
    return answer
  } catch (error) {
    // Nothing was written, as far as anybody knows: the same key may try again.
    await kept.delete(key)
    throw error
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
