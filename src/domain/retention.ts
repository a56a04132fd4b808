import type { Day } from './site-days.ts'

/** Older records are deleted. Wall milliseconds. */
export interface Horizon {
  readonly audit: number
  /** For sessions by their last report, lockouts and mails by their end, consecutive failures by the last one. */
  readonly rest: number
  /** For usage by day. */
  readonly usage: Day
}

/** Deletes old records. */
export interface RetentionStore {
  /**
   * Deletes at most `atMost` records, so that logins do not wait.
   * @returns how many were deleted: 0 if there are no more, or if another broker is pruning.
   */
  prune(before: Horizon, atMost: number): Promise<number>
}
