import { Problem } from '../problem.ts'
import type { Answer, Call } from './call.ts'

interface Page {
  /** The key of the last item of the page before; undefined for the first page. */
  readonly after?: string
  /** One more than the caller asked for, which shows whether a page follows. */
  readonly limit: number
}

/** @throws Problem for a cursor that the broker did not issue. */
export function pageOf(call: Call): Page {
  const limit = call.number('limit') + 1
  const cursor = call.query('cursor')
  if (cursor === undefined) return { limit }
  const after = Buffer.from(cursor, 'base64url').toString('utf8')
  // A cursor that was issued here encodes to itself again.
  if (after.includes('\0') || cursorOf(after) !== cursor) throw wrongCursor()
  return { after, limit }
}

export function wrongCursor(): Problem {
  const errors = [{ path: '/query/cursor', message: 'is not a cursor of this list' }]
  return new Problem('invalid-request', { errors })
}

/**
 * @param found up to one item more than was asked for.
 * @param keyOf names the item after which the next page starts; the identifier unless given.
 */
export function pageFrom<T extends object>(
  found: readonly T[],
  { limit }: Page,
  wireOf: (item: T) => unknown,
  keyOf: (item: T) => string = (item) => ('id' in item ? String(item.id) : ''),
): Answer {
  const items = found.slice(0, limit - 1)
  const last = items.at(-1)
  const next = found.length < limit || last === undefined ? undefined : cursorOf(keyOf(last))
  return { body: { items: items.map(wireOf), next } }
}

function cursorOf(after: string): string {
  return Buffer.from(after).toString('base64url')
}
