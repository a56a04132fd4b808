import type { AuditTrail } from '../../domain/audit-search.ts'

/** What came of logins in one hour. */
interface Hour {
  /** Wall milliseconds at which it begins. */
  readonly at: number
  readonly logins: number
  readonly refused: number
  /** The two bars, one upon the other, in the picture's units. */
  readonly x: number
  readonly loginsY: number
  readonly loginsHeight: number
  readonly refusedY: number
  readonly refusedHeight: number
}

export interface Activity {
  readonly hours: readonly Hour[]
  readonly logins: number
  readonly refused: number
  /** Of both together, in the busiest hour. */
  readonly most: number
  readonly picture: { readonly width: number; readonly height: number; readonly barWidth: number }
}

const HOUR_MS = 3_600_000
const HOURS = 24
const STEP = 12
const BAR = 9
const HEIGHT = 72

/** Logins and failures of the last 24 hours, the present one included, ready to be drawn. */
export async function activityOf(trail: AuditTrail, now: number): Promise<Activity> {
  const first = (Math.floor(now / HOUR_MS) - HOURS + 1) * HOUR_MS
  const tallies = await trail.tally(['login.accepted', 'login.refused'], first, now + 1, HOUR_MS)
  const countOf = (at: number, kind: string) =>
    tallies.find((tally) => tally.at === at && tally.kind === kind)?.count ?? 0
  const counts = Array.from({ length: HOURS }, (_, index) => {
    const at = first + index * HOUR_MS
    return { at, logins: countOf(at, 'login.accepted'), refused: countOf(at, 'login.refused') }
  })
  const most = Math.max(...counts.map(({ logins, refused }) => logins + refused))
  const heightOf = (count: number) => Math.round((count / Math.max(most, 1)) * HEIGHT * 10) / 10
  return {
    hours: counts.map(({ at, logins, refused }, index) => ({
      ...{ at, logins, refused },
      x: index * STEP,
      loginsY: HEIGHT - heightOf(logins),
      loginsHeight: heightOf(logins),
      refusedY: HEIGHT - heightOf(logins) - heightOf(refused),
      refusedHeight: heightOf(refused),
    })),
    logins: counts.reduce((sum, { logins }) => sum + logins, 0),
    refused: counts.reduce((sum, { refused }) => sum + refused, 0),
    most,
    picture: { width: HOURS * STEP, height: HEIGHT, barWidth: BAR },
  }
}
