import type { AuditTrail } from '../../domain/audit-search.ts'

interface Counts {
  readonly logins: number
  readonly refused: number
}

/** What came of logins in one hour. */
interface Hour extends Counts {
  /** Wall milliseconds at which it begins. */
  readonly at: number
  /** The two bars, one upon the other, in the picture's units. */
  readonly x: number
  readonly loginsY: number
  readonly loginsHeight: number
  readonly refusedY: number
  readonly refusedHeight: number
}

/** The hours of a day, ready to be drawn. */
interface ActivityPicture extends Counts {
  readonly hours: readonly Hour[]
  /** Of both together, in the busiest hour. */
  readonly most: number
  readonly width: number
  readonly height: number
  readonly barWidth: number
}

const HOUR_MS = 3_600_000
const HOURS = 24
/** How long the count of the present hour stands, in milliseconds. */
const STANDS_MS = 10_000
/** An hour is over for good when every broker has written what it knows of it. */
const SETTLED_AFTER_MS = 60_000
const STEP = 12
const BAR = 9
const HEIGHT = 72

/**
 * Logins and failures of the last 24 hours. To count a busy day takes a while, in which the store does nothing else:
 * each hour is counted by itself, and once it is over never again.
 */
export class Activity {
  readonly #trail: AuditTrail
  readonly #settled = new Map<number, Counts>()
  #latest: { readonly at: number; readonly counts: Promise<readonly Counts[]> } | undefined

  constructor(trail: AuditTrail) {
    this.#trail = trail
  }

  /** @param now wall milliseconds; the hour that it lies in is the last. */
  async until(now: number): Promise<ActivityPicture> {
    if (this.#latest === undefined || now - this.#latest.at > STANDS_MS) {
      const counts = this.#count(now)
      this.#latest = { at: now, counts }
      // The next visitor asks anew, rather than to be told of an outage that is over.
      counts.catch(() => {
        this.#latest = undefined
      })
    }
    return pictureOf(firstHour(this.#latest.at), await this.#latest.counts)
  }

  async #count(now: number): Promise<readonly Counts[]> {
    const first = firstHour(now)
    for (const at of this.#settled.keys()) if (at < first) this.#settled.delete(at)
    const counts: Counts[] = []
    for (let at = first; at <= now; at += HOUR_MS) {
      const found = this.#settled.get(at) ?? (await this.#countHour(at))
      if (at + HOUR_MS + SETTLED_AFTER_MS <= now) this.#settled.set(at, found)
      counts.push(found)
    }
    return counts
  }

  async #countHour(at: number): Promise<Counts> {
    const kinds = ['login.accepted', 'login.refused'] as const
    const tallies = await this.#trail.tally(kinds, at, at + HOUR_MS, HOUR_MS)
    const countOf = (wanted: string) => tallies.find(({ kind }) => kind === wanted)?.count ?? 0
    return { logins: countOf('login.accepted'), refused: countOf('login.refused') }
  }
}

function firstHour(now: number): number {
  return (Math.floor(now / HOUR_MS) - HOURS + 1) * HOUR_MS
}

function pictureOf(first: number, counts: readonly Counts[]): ActivityPicture {
  const most = Math.max(...counts.map(({ logins, refused }) => logins + refused))
  const heightOf = (count: number) => Math.round((count / Math.max(most, 1)) * HEIGHT * 10) / 10
  return {
    hours: counts.map(({ logins, refused }, index) => ({
      ...{ at: first + index * HOUR_MS, logins, refused, x: index * STEP },
      loginsY: HEIGHT - heightOf(logins),
      loginsHeight: heightOf(logins),
      refusedY: HEIGHT - heightOf(logins) - heightOf(refused),
      refusedHeight: heightOf(refused),
    })),
    logins: counts.reduce((sum, { logins }) => sum + logins, 0),
    refused: counts.reduce((sum, { refused }) => sum + refused, 0),
    ...{ most, width: HOURS * STEP, height: HEIGHT, barWidth: BAR },
  }
}
