import type { AuditEvent, AuditSearch } from '../../domain/audit.ts'
import { earliestId } from '../../domain/record-id.ts'
import type { HttpServices } from '../../http/services.ts'

/** An identifier may be made this long before or after the time of its event. */
const SLACK_MS = 60_000

/**
 * Events since a moment, newest first. The search starts at that moment instead of at the newest event, so that the
 * older part of a long history is never read.
 */
export async function eventsSince(
  audit: Pick<HttpServices['records']['audit'], 'list'>,
  since: number,
  search: Omit<AuditSearch, 'since' | 'after' | 'order'>,
): Promise<readonly AuditEvent[]> {
  const wanted = { ...search, since }
  const first = await audit.list({ ...wanted, after: earliestId(since - SLACK_MS), order: 'oldest' })
  // More than fit: the newest ones are wanted.
  return first.length < search.limit ? first.toReversed() : audit.list(wanted)
}
