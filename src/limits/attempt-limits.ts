import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Rate } from '../domain/duration.ts'
import type { AttemptLimits, Guesser, LimitReached, Permit } from '../domain/limits.ts'
import type { LockoutRules, LockoutScope } from '../domain/lockout.ts'

export interface AttemptLimitOptions {
  /** Attempts of one user, of one user address, and through one gateway. */
  readonly rates: { readonly user: Rate; readonly address: Rate; readonly gateway: Rate }
  readonly lockout: Pick<LockoutRules, 'after' | 'userAfter' | 'addressAfter' | 'withinMs'>
}

/** A budget of guesses: points in flight and points spent on failures, and the failures alone. */
interface GuessCounter {
  readonly scope: LockoutScope
  readonly budget: RateLimiterAbstract
  readonly failures: RateLimiterAbstract
}

type Taken = { readonly limiter: RateLimiterAbstract; readonly key: string }

/**
 * Two kinds of limit over one set of counters. Rates bound how often anybody may ask at all. Budgets bound how many
 * guesses may be in flight or failed before a lockout: a guess takes its point before the check and keeps it when it
 * fails, so any number of parallel guesses reaches the check at most `after` times.
 */
export function attemptLimits(
  options: AttemptLimitOptions,
  counter: (name: string, rate: Rate) => RateLimiterAbstract = inMemory,
): AttemptLimits {
  const gateway = counter('gateway', options.rates.gateway)
  const address = counter('address', options.rates.address)
  const user = counter('user', options.rates.user)
  const guesses = (scope: LockoutScope, points: number): GuessCounter => {
    const rate = { points, windowMs: options.lockout.withinMs }
    return { scope, budget: counter(`guesses.${scope}`, rate), failures: counter(`failures.${scope}`, rate) }
  }
  const perPair = guesses('user_address', options.lockout.after)
  const perUser = guesses('user', options.lockout.userAfter)
  const perAddress = guesses('address', options.lockout.addressAfter)

  function budgetsOf(guesser: Guesser): readonly (readonly [GuessCounter, string])[] {
    // Without the user's own address there is no pair: the user's budget is then the small one.
    const pair = `${guesser.user}|${guesser.address ?? ''}`
    const own = [
      [perPair, pair],
      [perUser, guesser.user],
    ] as const
    return guesser.address === undefined ? own : [...own, [perAddress, guesser.address]]
  }

  async function take(guesser: Guesser): Promise<Permit | LimitReached> {
    const taken: Taken[] = []
    const from = async (by: LimitReached['by'], limiter: RateLimiterAbstract, key: string) => {
      const reached = await consume(by, limiter, key)
      if (reached === undefined) taken.push({ limiter, key })
      return reached
    }
    // The widest first: a flood through one gateway or from one address must not empty its victims' own limits.
    let reached = await from('gateway', gateway, guesser.gateway)
    if (guesser.address !== undefined) reached ??= await from('address', address, guesser.address)
    reached ??= await from('user', user, guesser.user)
    const budgets = budgetsOf(guesser)
    for (const [{ budget }, key] of budgets) {
      reached ??= await from('guesses', budget, key)
      if (reached?.by === 'guesses') {
        await budget.reward(key) // the refused guess is not in flight
        break
      }
    }
    if (reached !== undefined) {
      await giveBack(taken)
      return reached
    }
    return permit(guesser, budgets, taken)
  }

  function permit(guesser: Guesser, budgets: ReturnType<typeof budgetsOf>, taken: readonly Taken[]): Permit {
    return {
      kind: 'permit',
      async succeeded() {
        await giveBack(taken)
        for (const [{ scope, budget, failures }, key] of budgets) {
          // One good login clears its user, not its address: the address may be guessing at others.
          if (scope === 'address') continue
          await budget.delete(key)
          await failures.delete(key)
        }
      },
      withdrawn: () => giveBack(taken),
      async failed(record) {
        const full: (readonly [GuessCounter, string])[] = []
        for (const counted of budgets) {
          const [{ failures }, key] = counted
          const { consumedPoints } = await failures.penalty(key)
          if (consumedPoints >= failures.points) full.push(counted)
        }
        const recorded = await record(full.map(([{ scope }]) => lockable(scope, guesser)))
        for (const [{ budget, failures }, key] of full) {
          await failures.delete(key)
          await budget.delete(key)
        }
        return recorded
      },
    }
  }

  return { take }
}

/** Where the gateway names no address, the pair of user and address is the user. */
function lockable(scope: LockoutScope, guesser: Guesser): LockoutScope {
  return scope === 'user_address' && guesser.address === undefined ? 'user' : scope
}

async function consume(
  by: LimitReached['by'],
  limiter: RateLimiterAbstract,
  key: string,
): Promise<LimitReached | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (rejection) {
    if (!(rejection instanceof RateLimiterRes)) throw rejection
    const first = rejection.consumedPoints === limiter.points + 1
    return { kind: 'limited', by, retryAfterMs: rejection.msBeforeNext, first }
  }
}

async function giveBack(taken: readonly Taken[]): Promise<void> {
  for (const { limiter, key } of taken) await limiter.reward(key)
}

function inMemory(name: string, rate: Rate): RateLimiterAbstract {
  return new RateLimiterMemory({ keyPrefix: name, points: rate.points, duration: rate.windowMs / 1000 })
}
