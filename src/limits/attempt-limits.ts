import type { Rate } from '../domain/duration.ts'
import type { AttemptLimits, Guesser, Permit } from '../domain/limits.ts'
import type { LockoutRules, LockoutScope } from '../domain/lockout.ts'
import { customerNetwork } from '../domain/network.ts'
import type { Run } from './run.ts'
import type { Counted, Tally, TallyRules } from './tally.ts'

export interface AttemptLimitRules {
  /** Attempts of one user, of one user address, and through one gateway. */
  readonly rates: { readonly user: Rate; readonly address: Rate; readonly gateway: Rate }
  readonly lockout: Pick<LockoutRules, 'after' | 'userAfter' | 'addressAfter' | 'withinMs'>
  /** Milliseconds after which no attempt can still be under way. */
  readonly heldMs: number
}

/** A login by challenge is two attempts for a moment, and one slip of the finger is to lock nobody. */
const LEAST_PART = 2

/** @param brokers how many share the limits without knowing of each other: each takes its part. */
export function tallyRules({ rates, lockout, heldMs }: AttemptLimitRules, brokers = 1): TallyRules {
  const part = (points: number) => Math.max(Math.min(points, LEAST_PART), Math.floor(points / brokers))
  const rate = ({ points, windowMs }: Rate): Rate => ({ points: part(points), windowMs })
  return {
    rates: { gateway: rate(rates.gateway), address: rate(rates.address), user: rate(rates.user) },
    budgets: {
      user_address: part(lockout.after),
      user: part(lockout.userAfter),
      address: part(lockout.addressAfter),
    },
    withinMs: lockout.withinMs,
    heldMs,
  }
}

/**
 * Two kinds of limit over one tally. Rates bound how often anybody may ask at all. Budgets bound how many guesses may
 * be in flight or failed before a lockout: a guess counts before the check and goes on counting when it fails, so any
 * number of parallel guesses reaches the check at most as often as the lockout rules say.
 */
export function attemptLimits(tally: Tally, run: Run): AttemptLimits {
  return {
    async take(guesser) {
      const counted = countedUnder(guesser, run.nextAttempt())
      return (await tally.take(counted)) ?? permit(tally, guesser, counted)
    },
    answered: (guesser, id) => tally.giveBack(countedUnder(guesser, id), []),
  }
}

function permit(tally: Tally, guesser: Guesser, counted: Counted): Permit {
  return {
    kind: 'permit',
    id: counted.id,
    spareUser: () => tally.giveBack(counted, [], ['gateway', 'address']),
    // One good login clears its user, not its address: the address may be guessing at others.
    succeeded: () => tally.giveBack(counted, ['user_address', 'user']),
    withdrawn: (kept) => tally.giveBack(counted, [], kept),
    async failed(record) {
      const full = await tally.fail(counted)
      try {
        const recorded = await record([...new Set(full.map((scope) => lockable(scope, guesser)))])
        if (full.length > 0) await tally.forget(counted, full)
        return recorded
      } catch (outage) {
        // The lock that could not be made would spare the user's known addresses, which a spent budget does not. The
        // others stay spent: whoever guesses while nothing can be written gains nothing by it.
        if (full.includes('user')) await tally.forget(counted, ['user'])
        throw outage
      }
    },
  }
}

/** The widest first: a flood through one gateway or from one address must not empty its victims' own limits. */
function countedUnder({ gateway, address: from, user }: Guesser, id: string): Counted {
  const address = from === undefined ? undefined : customerNetwork(from)
  const own = [
    // Without the user's own address there is no pair: the user's budget is then the small one.
    { scope: 'user_address', key: JSON.stringify([user, address]) },
    { scope: 'user', key: user },
  ] as const
  const rates = [
    { name: 'gateway', key: gateway },
    { name: 'user', key: user },
  ] as const
  if (address === undefined) return { id, rates, budgets: own }
  return {
    id,
    rates: [rates[0], { name: 'address', key: address }, rates[1]],
    budgets: [...own, { scope: 'address', key: address }],
  }
}

/** Where the gateway names no address, the pair of user and address is the user. */
function lockable(scope: LockoutScope, guesser: Guesser): LockoutScope {
  return scope === 'user_address' && guesser.address === undefined ? 'user' : scope
}
