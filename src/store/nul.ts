/** PostgreSQL keeps no text with a NUL, so no store takes one. @throws Error before anything is written. */
export function refuseNul(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === 'string' && value.includes('\0')) throw new Error('a text with a NUL cannot be kept')
  }
}
