import { Problem } from '../problem.ts'
import type { Answer, Call } from './call.ts'

interface Page {
  /** What the last item of the page before is called; undefined for the first page. */
  readonly after?: string
  /** One more than the caller wants: whether there is another shows that a page follows. */
  readonly limit: number
}

/** @throws Problem where the cursor is none that the broker gave. */
export function pageOf(call: Call): Page {
  const limit = call.number('limit') + 1
  const cursor = call.query('cursor')
  if (cursor === undefined) return { limit }
  const after = Buffer.from(cursor, 'base64url').toString('utf8')
  // A cursor that was made here reads the same both ways.
  if (after.includes('\0') || cursorOf(after) !== cursor)
    throw new Problem('invalid-request', {
      errors: [{ path: '/query/cursor', message: 'is no cursor of this list' }],
    })
  return { after, limit }
}

/** @param found up to one more than was asked for; @param keyOf what the next page goes on after. */
export function pageFrom<T>(
  found: readonly T[],
  { limit }: Page,
  keyOf: (item: T) => string,
  wireOf: (item: T) => unknown,
): Answer {
  const items = found.slice(0, limit - 1)
  const last = items.at(-1)
  const next = found.length < limit || last === undefined ? undefined : cursorOf(keyOf(last))
  return { body: { items: items.map(wireOf), next } }
}

function cursorOf(after: string): string {
  return Buffer.from(after).toString('base64url')
}
