import type { Clock } from '../domain/clock.ts'

/** With a slower answer the clocks are not compared well enough. */
const MAX_ROUND_TRIP_MS = 2000

/** This clock beside a server's. */
export interface MeasuredClock {
  /** By the server's clock, in wall milliseconds. */
  readonly now: number
  /** How far this clock is ahead, in milliseconds; negative: behind. */
  readonly aheadMs: number
}

/**
 * Compares the clock with a server's.
 * @param time asks the server for its wall milliseconds; undefined where it has no clock of its own.
 * @returns undefined where there is none, or the answer took too long.
 */
export async function measureClock(
  time: () => Promise<number | undefined>,
  clock: Clock,
): Promise<MeasuredClock | undefined> {
  const [before, began] = [clock.now(), clock.monotonic()]
  const now = await time()
  const tookMs = clock.monotonic() - began
  if (now === undefined || tookMs > MAX_ROUND_TRIP_MS) return undefined
  return { now, aheadMs: Math.round(before + tookMs / 2 - now) }
}
