import type { HttpServices } from '../../http/services.ts'

interface Counts {
  readonly logins: number
  readonly refused: number
}

const HOUR_MS = 3_600_000
const HOURS = 24
/** The counts are refreshed at most this often, in milliseconds. */
const TTL_MS = 10_000
/** An hour's count is final this long after its end, when every broker has written its events. */
const FINAL_AFTER_MS = 60_000
/** Sizes of the chart, in its own units. */
const STEP = 12
const BAR_WIDTH = 9
const HEIGHT = 72

/**
 * Accepted and refused logins of the last 24 hours. Counting a busy day takes a while, during which the store does
 * nothing else, so each hour is counted on its own, and never again once it is over.
 */
export class Activity {
  readonly #audit: Pick<HttpServices['records']['audit'], 'count'>
  readonly #final = new Map<number, Counts>()
  #latest: { readonly at: number; readonly counts: Promise<readonly Counts[]> } | undefined

  constructor(audit: Pick<HttpServices['records']['audit'], 'count'>) {
    this.#audit = audit
  }

  /** @param now wall milliseconds, within the last hour of the chart. */
  async until(now: number) {
    if (this.#latest === undefined || now - this.#latest.at > TTL_MS) {
      const counts = this.#count(now)
      this.#latest = { at: now, counts }
      // A failure is not cached: the next visitor counts again.
      counts.catch(() => {
        this.#latest = undefined
      })
    }
    return chartOf(firstHour(this.#latest.at), await this.#latest.counts)
  }

  async #count(now: number): Promise<readonly Counts[]> {
    const first = firstHour(now)
    for (const at of this.#final.keys()) if (at < first) this.#final.delete(at)
    const counts: Counts[] = []
    for (let at = first; at <= now; at += HOUR_MS) {
      const found = this.#final.get(at) ?? (await this.#countHour(at))
      if (at + HOUR_MS + FINAL_AFTER_MS <= now) this.#final.set(at, found)
      counts.push(found)
    }
    return counts
  }

  async #countHour(at: number): Promise<Counts> {
    const kinds = ['login.accepted', 'login.refused'] as const
    const counts = await this.#audit.count(kinds, at, at + HOUR_MS, HOUR_MS)
    const countOf = (wanted: string) => counts.find(({ kind }) => kind === wanted)?.count ?? 0
    return { logins: countOf('login.accepted'), refused: countOf('login.refused') }
  }
}

function firstHour(now: number): number {
  return (Math.floor(now / HOUR_MS) - HOURS + 1) * HOUR_MS
}

/** The bars of each hour, refused logins on top of accepted ones; `most` is the total of the busiest hour. */
function chartOf(first: number, counts: readonly Counts[]) {
  const most = Math.max(...counts.map(({ logins, refused }) => logins + refused))
  const heightOf = (count: number) => Math.round((count / Math.max(most, 1)) * HEIGHT * 10) / 10
  return {
    hours: counts.map(({ logins, refused }, index) => ({
      at: first + index * HOUR_MS,
      logins,
      refused,
      x: index * STEP,
      loginsY: HEIGHT - heightOf(logins),
      loginsHeight: heightOf(logins),
      refusedY: HEIGHT - heightOf(logins) - heightOf(refused),
      refusedHeight: heightOf(refused),
    })),
    logins: counts.reduce((sum, { logins }) => sum + logins, 0),
    refused: counts.reduce((sum, { refused }) => sum + refused, 0),
    most,
    width: HOURS * STEP,
    height: HEIGHT,
    barWidth: BAR_WIDTH,
  }
}
