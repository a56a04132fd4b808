import type { Lockout } from '../domain/lockout.ts'
import { mappingOf } from './columns.ts'
import type { LockoutRow } from './lockout-schema.ts'

/** The end of a lockout that only a person can end: later than every clock. */
export const NO_END = Number.MAX_SAFE_INTEGER

const { toRow, fromRow } = mappingOf<Omit<Lockout, 'until'>, LockoutRow>()({
  id: 'id',
  scope: 'scope',
  cause: 'cause',
  user: 'user_stem',
  name: 'whole_name',
  address: 'address',
  source: 'source',
  subject: 'subject',
  gateway: 'gateway',
  hint: 'hint',
  reason: 'reason',
  since: 'since',
  releasedAt: 'released_at',
  releasedBy: 'released_by',
  releaseReason: 'release_reason',
})

export function lockoutRow(lockout: Lockout): LockoutRow {
  return { ...toRow(lockout), ends_at: lockout.until ?? NO_END }
}

export function lockoutOf(row: LockoutRow): Lockout {
  const lockout = fromRow(row)
  return row.ends_at === NO_END ? lockout : { ...lockout, until: row.ends_at }
}
