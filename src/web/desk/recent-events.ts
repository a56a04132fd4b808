import type { AuditEvent } from '../../domain/audit.ts'
import type { AuditSearch, AuditTrail } from '../../domain/audit-search.ts'
import { earliestId } from '../../domain/record-id.ts'

/** Identifiers are made a little before or after the moment that their events tell. */
const SLACK_MS = 60_000

/**
 * Events from a moment on, newest first. Somebody's history may be long and what is looked for lie at its end: the
 * search begins at the moment and not at the other end, so that nothing before it is looked through.
 */
export async function eventsSince(
  trail: AuditTrail,
  since: number,
  search: Omit<AuditSearch, 'since' | 'after' | 'order'>,
): Promise<readonly AuditEvent[]> {
  const wanted = { ...search, since }
  const first = await trail.search({ ...wanted, after: earliestId(since - SLACK_MS), order: 'oldest' })
  // There are more than fit: then the newest of them are found at once.
  return first.length < search.limit ? first.toReversed() : trail.search({ ...wanted, order: 'newest' })
}
