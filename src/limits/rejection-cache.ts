import type { Clock } from '../domain/clock.ts'
import type { AttemptCounter, WindowFull } from './attempt-counter.ts'

export interface RejectionCacheOptions {
  readonly clock: Clock
  /** Milliseconds for which a rejection is repeated without asking the counter (50). */
  readonly ttlMs?: number
}

const TTL_MS = 50
/** Rejections that are remembered. */
const MAX_KEYS = 10_000

/**
 * Repeats the rejections of a remote counter for a moment, so that a flood over its rate is rejected here and does not
 * become a flood of questions. A refund in that moment takes effect a moment later.
 */
export function withRejectionCache(
  counter: AttemptCounter,
  { clock, ttlMs = TTL_MS }: RejectionCacheOptions,
): AttemptCounter {
  const rejections = new Map<string, { readonly limit: WindowFull; readonly at: number }>()
  return {
    ...counter,
    async take(keys) {
      const now = clock.monotonic()
      for (const { name, key } of keys.rates) {
        const known = rejections.get(`${name} ${key}`)
        if (known === undefined) continue
        const passed = now - known.at
        if (passed < Math.min(ttlMs, known.limit.retryAfterMs))
          return { ...known.limit, retryAfterMs: known.limit.retryAfterMs - passed, first: false }
        rejections.delete(`${name} ${key}`)
      }
      const limit = await counter.take(keys)
      if (limit?.kind !== 'limited') return limit
      const full = limit.by === 'guesses' ? undefined : keys.rates.find(({ name }) => name === limit.window)
      if (full !== undefined) {
        if (rejections.size >= MAX_KEYS) rejections.clear()
        rejections.set(`${full.name} ${full.key}`, { limit, at: clock.monotonic() })
      }
      return limit
    },
  }
}
