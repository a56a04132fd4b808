/**
 * How far two samples are from having one distribution, in standard deviations (Mann and Whitney's U, with the normal
 * approximation and mid-ranks). Beyond ±3.3 it happens by chance once in a thousand times.
 */
export function rankDistance(one: readonly number[], other: readonly number[]): number {
  const sorted = [...one, ...other].toSorted((a, b) => a - b)
  const rankOf = (value: number) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1
  const ranks = one.reduce((sum, value) => sum + rankOf(value), 0)
  const [m, n] = [one.length, other.length]
  const u = ranks - (m * (m + 1)) / 2
  return (u - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12)
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN
}
