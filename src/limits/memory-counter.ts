import type { Clock } from '../domain/clock.ts'
import type { Rate } from '../domain/duration.ts'
import type { FailureBudget } from '../domain/lockout.ts'
import {
  type AttemptCounter,
  type Budget,
  type BudgetName,
  budgetReached,
  type CounterKeys,
  type CounterRules,
  failureId,
  isFailureOf,
  rateReached,
  type WindowFull,
  type WindowName,
  windowsLeft,
} from './attempt-counter.ts'
import { SlidingWindow } from './sliding-window.ts'

/** Nobody else counts. */
const NOBODY = { points: Number.POSITIVE_INFINITY, counted: 0, agoMs: 0 }
/** Keys that each limit remembers at once; a key takes about 400 octets. */
const CAPACITY = 100_000

/** What was counted, by the name of the limit. Other rules find there what earlier ones have counted. */
export type CountedPoints = Map<string, SlidingWindow>

export interface MemoryCounterOptions {
  readonly clock: Clock
  /** Absent: nothing was counted before. */
  readonly counted?: CountedPoints
}

/** Counts the attempts of one broker in its memory. */
export function memoryCounter(
  rules: CounterRules,
  { clock, counted = new Map() }: MemoryCounterOptions,
): AttemptCounter {
  const window = (name: string, ttlMs: number) => {
    const known = counted.get(name)?.lasting(ttlMs) ?? new SlidingWindow(ttlMs, CAPACITY)
    counted.set(name, known)
    return known
  }
  const rate = (name: WindowName, { points, windowMs }: Rate) => {
    return {
      points,
      attempts: window(`attempts by ${name}`, windowMs),
      rejected: window(`rejected by ${name}`, windowMs),
    }
  }
  const budget = (name: FailureBudget, points: number) => ({
    points,
    inFlight: window(`guesses in flight of ${name}`, rules.inFlightMs),
    failed: window(`failed guesses of ${name}`, rules.withinMs),
    rejected: window(`rejected guesses of ${name}`, rules.withinMs),
  })
  const rates = mapped(rules.rates, rate)
  const budgets = mapped(rules.budgets, budget)
  const shares = rules.shares ?? 1

  function budgetOf({ name, own }: Budget): ReturnType<typeof budget> {
    if (own === undefined) return budgets[name as FailureBudget]
    const { of, withinMs } = own
    return {
      points: Math.max(1, Math.floor(own.points / shares)),
      inFlight: window(`guesses in flight at ${of}`, rules.inFlightMs),
      failed: window(`failed guesses at ${of}`, withinMs),
      rejected: window(`rejected guesses at ${of}`, withinMs),
    }
  }

  const tallies = window('tallies', rules.tallyMs)
  /** Under each request the attempt that it was counted for. */
  const requests = window('requests', rules.requestMs)

  function limitReached(keys: CounterKeys, now: number): WindowFull | undefined {
    for (const { name, key } of keys.rates) {
      const { points, attempts, rejected } = rates[name]
      if (attempts.count(key, now) >= points)
        return rateReached(name, attempts.untilNextExpiry(key, now), isFirst(rejected, key, now))
    }
    for (const each of keys.budgets) {
      const { name, key, own } = each
      if (own?.isOpen) continue
      const { points, inFlight, failed, rejected } = budgetOf(each)
      const [guesses, failures] = [inFlight.count(key, now), failed.count(key, now)]
      const { points: othersPoints, counted: others, agoMs } = own?.others ?? NOBODY
      const counted = others + failed.countSince(key, now - agoMs)
      if (guesses + failures < points && guesses + counted < othersPoints) continue
      const expiries = [inFlight.untilNextExpiry(key, now), failed.untilNextExpiry(key, now)]
      const retryAfterMs = Math.min(...expiries, own?.withinMs ?? rules.withinMs)
      const isBusy = failures < points && counted < othersPoints
      const isOutdated = !isBusy && guesses + failures < points && guesses + others < othersPoints
      const first = isFirst(rejected, key, now)
      return budgetReached(name, retryAfterMs, first, {
        failed: Math.max(failures, counted),
        isBusy,
        isOutdated,
      })
    }
    return undefined
  }

  function forget(keys: CounterKeys, names: readonly BudgetName[], fits: (failure: string) => boolean): void {
    for (const each of keys.budgets) {
      if (!names.includes(each.name)) continue
      const { failed, rejected } = budgetOf(each)
      failed.removeWhere(each.key, fits)
      rejected.clear(each.key)
    }
  }

  return {
    async take(keys) {
      const { id, request } = keys
      const now = clock.monotonic()
      if (request !== undefined && requests.count(request, now) > 0) return { kind: 'repeated' }
      const limit = limitReached(keys, now)
      if (limit !== undefined) return limit
      if (request !== undefined) requests.add(request, id, now)
      for (const { name, key } of keys.rates) rates[name].attempts.add(key, id, now)
      for (const each of keys.budgets) budgetOf(each).inFlight.add(each.key, id, now)
      return undefined
    },
    async refund(keys, forgiven, kept = []) {
      for (const { name, key } of windowsLeft(keys, kept)) rates[name].attempts.remove(key, keys.id)
      for (const each of keys.budgets) budgetOf(each).inFlight.remove(each.key, keys.id)
      if (keys.request !== undefined && !kept.includes('request')) requests.remove(keys.request, keys.id)
      forget(keys, forgiven, (failure) => isFailureOf(failure, keys.account))
    },
    async fail(keys) {
      const now = clock.monotonic()
      const spent = keys.budgets.filter((each) => {
        const { key } = each
        const { points, inFlight, failed } = budgetOf(each)
        inFlight.remove(key, keys.id)
        failed.add(key, failureId(keys), now)
        return failed.count(key, now) >= points
      })
      return spent.map(({ name }) => name)
    },
    async forget(keys, names) {
      forget(keys, names, () => true)
    },
    async addTally(key) {
      const now = clock.monotonic()
      const count = tallies.count(key, now) + 1
      tallies.add(key, String(count), now)
      return count
    },
    async endTally(key) {
      const count = tallies.count(key, clock.monotonic())
      tallies.clear(key)
      return count
    },
  }
}

function isFirst(rejected: SlidingWindow, key: string, now: number): boolean {
  const first = rejected.count(key, now) === 0
  if (first) rejected.add(key, 'rejected', now)
  return first
}

function mapped<Name extends string, From, To>(
  values: Readonly<Record<Name, From>>,
  map: (name: Name, value: From) => To,
): Record<Name, To> {
  const entries = Object.entries<From>(values).map(([name, value]) => [name, map(name as Name, value)])
  return Object.fromEntries(entries)
}
