const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads `250ms`, `30s`, `5m`, `1h`, `7d`. @returns milliseconds, or undefined for other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}

/** At most `points` events in each window of `windowMs` milliseconds. */
export interface Rate {
  readonly points: number
  readonly windowMs: number
}

/** Reads `10/1m` or `2000/s`. @returns undefined for other text and for zero. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d+)\/(.+)$/.exec(text)
  if (match === null) return undefined
  const window = match[2] ?? ''
  const windowMs = parseDuration(/^\d/.test(window) ? window : `1${window}`)
  const points = Number(match[1])
  return windowMs === undefined || windowMs === 0 || points === 0 ? undefined : { points, windowMs }
}
