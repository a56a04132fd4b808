import type { Clock } from '../domain/clock.ts'
import type { LimitReached } from '../domain/limits.ts'
import type { Tally } from './tally.ts'

export interface BriefMemoryOptions {
  readonly clock: Clock
  /** Milliseconds for which a refusal is repeated at most without asking again. */
  readonly forMs?: number
}

const FOR_MS = 50
/** Keys whose refusals are remembered. */
const MOST = 10_000

/**
 * Repeats for a moment what a tally that is far away said of a rate: a flood that is over its limit is told so here,
 * and does not become as many questions. An attempt that is given back in that moment makes room a moment later.
 */
export function withBriefMemory(tally: Tally, { clock, forMs = FOR_MS }: BriefMemoryOptions): Tally {
  const refusals = new Map<string, { readonly limit: LimitReached; readonly at: number }>()
  return {
    ...tally,
    async take(counted) {
      const now = clock.monotonic()
      for (const { name, key } of counted.rates) {
        const known = refusals.get(`${name} ${key}`)
        if (known === undefined) continue
        const passed = now - known.at
        if (passed < Math.min(forMs, known.limit.retryAfterMs))
          return { ...known.limit, retryAfterMs: known.limit.retryAfterMs - passed, first: false }
        refusals.delete(`${name} ${key}`)
      }
      const limit = await tally.take(counted)
      const full = counted.rates.find(({ name }) => name === limit?.by)
      if (limit !== undefined && full !== undefined) {
        if (refusals.size >= MOST) refusals.clear()
        refusals.set(`${full.name} ${full.key}`, { limit, at: clock.monotonic() })
      }
      return limit
    },
  }
}
