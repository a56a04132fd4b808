import type { Lockout } from '../domain/lockout.ts'
import { withoutNulls } from './absent.ts'
import type { LockoutRow } from './schema.ts'

/** The end of a lockout that only a person can end: later than every clock. */
export const NO_END = Number.MAX_SAFE_INTEGER

export function lockoutRow(lockout: Lockout): LockoutRow {
  return {
    id: lockout.id,
    scope: lockout.scope,
    cause: lockout.cause,
    user_stem: lockout.user ?? null,
    address: lockout.address ?? null,
    gateway: lockout.gateway ?? null,
    reason: lockout.reason,
    since: lockout.since,
    ends_at: lockout.until ?? NO_END,
    released_at: lockout.releasedAt ?? null,
    released_by: lockout.releasedBy ?? null,
    release_reason: lockout.releaseReason ?? null,
  }
}

export function lockoutOf(row: LockoutRow): Lockout {
  return withoutNulls({
    id: row.id,
    scope: row.scope,
    cause: row.cause,
    user: row.user_stem,
    address: row.address,
    gateway: row.gateway,
    reason: row.reason,
    since: row.since,
    until: row.ends_at === NO_END ? null : row.ends_at,
    releasedAt: row.released_at,
    releasedBy: row.released_by,
    releaseReason: row.release_reason,
  })
}
