import type { AttemptTally } from '../../domain/attempt-tally.ts'

const HOUR_MS = 3_600_000
const HOURS = 24
/** Sizes of the chart, in its own units. */
const STEP = 12
const BAR_WIDTH = 9
const HALF = 50
const GAP = 6

/** The start of the first hour of the chart. @param now wall milliseconds. */
export function firstHour(now: number): number {
  return (Math.floor(now / HOUR_MS) - HOURS + 1) * HOUR_MS
}

/**
 * The attempts of 24 hours as bars: those let in upward, refused and locked ones downward, each on a scale of its own.
 * @param tallies by hour. @param now wall milliseconds.
 */
export function chartOf(tallies: readonly AttemptTally[], now: number) {
  const byHour = new Map(tallies.map((tally) => [Number(tally.key), tally]))
  const first = firstHour(now)
  const counts = Array.from({ length: HOURS }, (_, index) => {
    const at = first + index * HOUR_MS
    const { accepted = 0, refused = 0, locked = 0 } = byHour.get(at) ?? {}
    return { at, accepted, refused, locked }
  })
  const sumOf = (part: 'accepted' | 'refused' | 'locked') =>
    counts.reduce((sum, count) => sum + count[part], 0)
  const mostAccepted = Math.max(...counts.map(({ accepted }) => accepted))
  const mostRefused = Math.max(...counts.map(({ refused, locked }) => refused + locked))
  const down = HALF + GAP
  return {
    hours: counts.map((count, index) => {
      const acceptedHeight = share(count.accepted, mostAccepted)
      const refusedHeight = share(count.refused, mostRefused)
      return {
        ...count,
        x: index * STEP + (STEP - BAR_WIDTH) / 2,
        acceptedY: HALF - acceptedHeight,
        acceptedHeight,
        refusedY: down,
        refusedHeight,
        lockedY: down + refusedHeight,
        lockedHeight: share(count.locked, mostRefused),
      }
    }),
    accepted: sumOf('accepted'),
    refused: sumOf('refused'),
    locked: sumOf('locked'),
    mostAccepted,
    mostRefused,
    step: STEP,
    barWidth: BAR_WIDTH,
    width: HOURS * STEP,
    height: 2 * HALF + GAP,
    ground: HALF,
    ceiling: down,
  }
}

/** To a tenth; what happened at all is seen. */
function share(count: number, most: number): number {
  if (count === 0) return 0
  return Math.max(0.8, Math.round((count / most) * HALF * 10) / 10)
}
