import type { Clock } from '../domain/clock.ts'
import type { LimitReached } from '../domain/limits.ts'
import type { LockoutScope } from '../domain/lockout.ts'
import { Marks } from './marks.ts'
import type { Counted, Tally, TallyRules } from './tally.ts'

export interface MemoryTallyOptions {
  readonly clock: Clock
  /** Keys that each limit remembers at once; a key costs about 400 octets. */
  readonly capacity?: number
}

interface RateMarks {
  readonly points: number
  readonly began: Marks
  readonly told: Marks
}

interface BudgetMarks {
  readonly points: number
  readonly inFlight: Marks
  readonly failed: Marks
  readonly told: Marks
}

/** The counts of one broker. */
export function memoryTally(rules: TallyRules, { clock, capacity = 100_000 }: MemoryTallyOptions): Tally {
  const marks = (lifeMs: number) => new Marks(lifeMs, capacity)
  const rate = (name: keyof TallyRules['rates']): RateMarks => {
    const { points, windowMs } = rules.rates[name]
    return { points, began: marks(windowMs), told: marks(windowMs) }
  }
  const budget = (scope: LockoutScope): BudgetMarks => ({
    points: rules.budgets[scope],
    inFlight: marks(rules.heldMs),
    failed: marks(rules.withinMs),
    told: marks(rules.withinMs),
  })
  const rates = { gateway: rate('gateway'), address: rate('address'), user: rate('user') }
  const budgets = {
    user_address: budget('user_address'),
    user: budget('user'),
    address: budget('address'),
  }

  function reached(counted: Counted, now: number): LimitReached | undefined {
    for (const { name, key } of counted.rates) {
      const { points, began, told } = rates[name]
      if (began.count(key, now) >= points)
        return limited(name, told, key, began.untilNextLapse(key, now), now)
    }
    for (const { scope, key } of counted.budgets) {
      const { points, inFlight, failed, told } = budgets[scope]
      if (inFlight.count(key, now) + failed.count(key, now) < points) continue
      const retryAfterMs = Math.min(inFlight.untilNextLapse(key, now), failed.untilNextLapse(key, now))
      return limited('guesses', told, key, retryAfterMs, now)
    }
    return undefined
  }

  function forget(counted: Counted, scopes: readonly LockoutScope[]): void {
    for (const { scope, key } of counted.budgets) {
      if (!scopes.includes(scope)) continue
      budgets[scope].failed.clear(key)
      budgets[scope].told.clear(key)
    }
  }

  return {
    async take(counted) {
      const now = clock.monotonic()
      const limit = reached(counted, now)
      if (limit !== undefined) return limit
      for (const { name, key } of counted.rates) rates[name].began.add(key, counted.id, now)
      for (const { scope, key } of counted.budgets) budgets[scope].inFlight.add(key, counted.id, now)
      return undefined
    },
    async giveBack(counted, forgiven, kept = []) {
      for (const { name, key } of counted.rates)
        if (!kept.includes(name)) rates[name].began.remove(key, counted.id)
      for (const { scope, key } of counted.budgets) budgets[scope].inFlight.remove(key, counted.id)
      forget(counted, forgiven)
    },
    async fail(counted) {
      const now = clock.monotonic()
      const spent = counted.budgets.filter(({ scope, key }) => {
        const { points, inFlight, failed } = budgets[scope]
        inFlight.remove(key, counted.id)
        failed.add(key, counted.id, now)
        return failed.count(key, now) >= points
      })
      return spent.map(({ scope }) => scope)
    },
    async forget(counted, scopes) {
      forget(counted, scopes)
    },
  }
}

function limited(
  by: LimitReached['by'],
  told: Marks,
  key: string,
  retryAfterMs: number,
  now: number,
): LimitReached {
  const first = told.count(key, now) === 0
  if (first) told.add(key, 'told', now)
  return { kind: 'limited', by, retryAfterMs, first }
}
