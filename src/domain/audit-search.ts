import type { AuditEvent, AuditKind } from './audit.ts'

export interface AuditSearch {
  readonly user?: string
  /** Or the `customerNetwork` of one, for all addresses in it. */
  readonly address?: string
  readonly gateway?: string
  readonly actor?: string
  /** Any of these. */
  readonly kinds?: readonly AuditKind[]
  readonly reason?: string
  /** At this moment or later, in wall milliseconds. */
  readonly since?: number
  readonly before?: number
  readonly order: 'newest' | 'oldest'
  /** Identifier of the last event of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Events of one kind in one stretch of time. */
export interface AuditTally {
  /** Wall milliseconds at which the stretch begins. */
  readonly at: number
  readonly kind: AuditKind
  readonly count: number
}

/** The audit trail as people look through it. */
export interface AuditTrail {
  search(search: AuditSearch): Promise<readonly AuditEvent[]>
  /** Counts events of these kinds in stretches of `stretchMs`, from `since` to `before`; empty stretches are left out. */
  tally(
    kinds: readonly AuditKind[],
    since: number,
    before: number,
    stretchMs: number,
  ): Promise<readonly AuditTally[]>
}
