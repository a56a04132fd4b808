/** From when on records are kept, in wall milliseconds. */
export interface Horizon {
  readonly audit: number
  /** Sessions without news since then, lockouts that ended before, and failures in a row of which the last is older. */
  readonly rest: number
}

/** Forgets what has been kept for long enough. */
export interface RetentionStore {
  /**
   * Deletes some of what lies before the horizon, little enough not to keep logins waiting.
   * @param atMost records.
   * @returns how many were deleted: none where there are no more, and where another broker is at it already.
   */
  prune(before: Horizon, atMost: number): Promise<number>
}
