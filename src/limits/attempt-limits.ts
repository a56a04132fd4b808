import type {
  AttemptLimits,
  DirectoryPermit,
  DirectoryTry,
  LimitSubject,
  Permit,
} from '../domain/attempt-limits.ts'
import type { DirectoryCause } from '../domain/directory-lockout.ts'
import type { Rate } from '../domain/duration.ts'
import type { FailureBudget, LockoutRules } from '../domain/lockout.ts'
import { REQUEST_KNOWN_MS } from '../domain/login-attempt.ts'
import { customerNetwork, WIDER_NETWORKS, widerNetwork } from '../domain/network.ts'
import {
  type AttemptCounter,
  type CounterKeys,
  type CounterRules,
  isForStrangers,
  SHARED_BY_STRANGERS,
} from './attempt-counter.ts'
import type { ProcessId } from './process-id.ts'

export interface AttemptLimitRules {
  /** As configured; the other windows follow from these. */
  readonly rates: Readonly<Record<'gateway' | 'address' | 'user', Rate>>
  readonly lockout: Pick<LockoutRules, 'after' | 'userAfter' | 'addressAfter' | 'withinMs'>
  /** Milliseconds after which no attempt can still be in flight. */
  readonly inFlightMs: number
}

/** With less, the answer to a prompt would find no room, and one typing mistake would lock the user. */
const MIN_SHARE = 2

/** How many times the rate of a user at one address strangers at all addresses have together. */
const ANYWHERE = 4

/** @param brokers how many brokers count separately, each with its share of the limits. */
export function counterRules({ rates, lockout, inFlightMs }: AttemptLimitRules, brokers = 1): CounterRules {
  const share = (points: number) => Math.max(Math.min(points, MIN_SHARE), Math.floor(points / brokers))
  const rate = ({ points, windowMs }: Rate): Rate => ({ points: share(points), windowMs })
  const times = ({ points, windowMs }: Rate, factor: number): Rate => ({ points: points * factor, windowMs })
  const [address, user] = [rate(rates.address), rate(rates.user)]
  const addressAfter = share(lockout.addressAfter)
  const [wider, widest] = WIDER_NETWORKS
  return {
    rates: {
      gateway: rate(rates.gateway),
      address,
      address_56: times(address, wider.times),
      address_48: times(address, widest.times),
      user: { ...user, points: Math.ceil(user.points / 2) },
      user_known: { ...user, points: Math.max(1, Math.floor(user.points / 2)) },
      user_address: user,
      user_anywhere: times(user, ANYWHERE),
    },
    budgets: {
      user_address: share(lockout.after),
      user: share(lockout.userAfter),
      address: addressAfter,
      address_56: addressAfter * wider.times,
      address_48: addressAfter * widest.times,
    },
    shares: brokers,
    withinMs: lockout.withinMs,
    inFlightMs,
    requestMs: REQUEST_KNOWN_MS,
    tallyMs: 2 * rates.address.windowMs,
  }
}

/**
 * Two kinds of limit over one counter. Rates bound how often a subject may try at all. Budgets bound how many guesses
 * may be in flight or failed before a lockout: a guess counts before its check, and a failed one goes on counting, so
 * no number of parallel guesses gets more checks than the lockout rules allow.
 */
export function attemptLimits(counter: AttemptCounter, processId: ProcessId): AttemptLimits {
  return {
    async take(subject, request, isKnown) {
      let keys: CounterKeys = { ...keysOf(subject, processId.nextAttemptId()), request }
      let limit = await counter.take(keys)
      if (limit?.kind === 'limited' && isForStrangers(limit) && (await isKnown?.()) === true) {
        keys = atKnownAddress(keys, subject, processId.nextAttemptId())
        limit = await counter.take(keys)
      }
      return limit ?? permit(counter, subject, keys)
    },
    async takeDirectory(attempt) {
      const keys = directoryKeys(attempt, processId.nextAttemptId())
      const reached = await counter.take(keys)
      if (reached === undefined) return directoryPermit(counter, keys)
      if (reached.kind === 'repeated' || reached.guesses === undefined)
        throw new Error('a directory has budgets and no rates')
      const { window, retryAfterMs, guesses } = reached
      return { kind: 'full', cause: window as DirectoryCause, retryAfterMs, ...guesses }
    },
    promptAnswered: (subject, id) => counter.refund(keysOf(subject, id), []),
    tally: { add: (key) => counter.addTally(key), end: (key) => counter.endTally(key) },
  }
}

function permit(counter: AttemptCounter, named: LimitSubject, taken: CounterKeys): Permit {
  let [subject, keys] = [named, taken]
  return {
    kind: 'permit',
    id: keys.id,
    async identify(user, isKnown) {
      const identified = { ...subject, user }
      let next = keysOf(identified, keys.id)
      let limit = await counter.take(without(next, keys))
      if (limit?.kind === 'limited' && isForStrangers(limit) && (await isKnown())) {
        next = atKnownAddress(next, identified, keys.id)
        limit = await counter.take(without(next, keys))
      }
      if (limit?.kind === 'limited') return limit
      const left = without(keys, next)
      subject = identified
      keys = { ...next, request: keys.request }
      await counter.refund(left, [])
      return undefined
    },
    releaseUser: () => counter.refund(keys, [], ['gateway', 'address', 'request']),
    // A successful login clears its user but not its address, which may be guessing at other users.
    succeed(account) {
      keys.account = account
      return counter.refund(keys, ['user_address', 'user'], ['request'])
    },
    refund: (kept) => counter.refund(keys, [], kept),
    async fail(record, account) {
      keys.account = account
      const full = await counter.fail(keys)
      const budgets = full.map((budget) => lockable(budget as FailureBudget, subject))
      // Where the lockouts cannot be recorded the budgets stay spent: an outage gains an attacker nothing.
      const recorded = await record([...new Set(budgets)])
      if (full.length > 0) await counter.forget(keys, full)
      return recorded
    },
  }
}

/** The widest key first: a flood through one gateway or address must not use up the limits of its victims. */
function keysOf({ gateway, address: from, user }: LimitSubject, id: string): CounterKeys {
  const address = from === undefined ? undefined : customerNetwork(from)
  const pair = JSON.stringify([user, address])
  const wider = WIDER_NETWORKS.flatMap(({ bits }) => {
    const key = from === undefined ? undefined : widerNetwork(from, bits)
    return key === undefined ? [] : [{ name: `address_${bits}` as const, key }]
  })
  const addresses =
    address === undefined ? [] : [...wider.toReversed(), { name: 'address' as const, key: address }]
  return {
    id,
    rates: [
      { name: 'gateway', key: gateway },
      ...addresses,
      { name: 'user_anywhere', key: user },
      { name: 'user', key: user },
      { name: 'user_address', key: pair },
    ],
    budgets: [
      // Without an address the pair is the user alone, who then has the smaller budget.
      { name: 'user_address', key: pair },
      { name: 'user', key: user },
      ...addresses.toReversed(),
    ],
  }
}

/** In place of what strangers share, the attempt counts in the user's other half, which they cannot use. */
function atKnownAddress(keys: CounterKeys, { user }: LimitSubject, id: string): CounterKeys {
  const { rates, budgets } = SHARED_BY_STRANGERS
  return {
    ...keys,
    id,
    rates: [...keys.rates.filter(({ name }) => !rates.includes(name)), { name: 'user_known', key: user }],
    budgets: keys.budgets.filter(({ name }) => !budgets.includes(name)),
  }
}

/** The keys of an attempt that are not among those of `other`. */
function without({ id, rates, budgets }: CounterKeys, other: CounterKeys): CounterKeys {
  return {
    id,
    rates: rates.filter(
      (rate) => !other.rates.some(({ name, key }) => name === rate.name && key === rate.key),
    ),
    budgets: budgets.filter(
      (budget) => !other.budgets.some(({ name, key }) => name === budget.name && key === budget.key),
    ),
  }
}

/** Both budgets count the same guesses: that of addresses not known ends earlier, and is no bound for a known one. */
function directoryKeys(attempt: DirectoryTry, id: string): CounterKeys {
  const { source, subject, generation, withinMs, share, most, isKnown, isReleased, others } = attempt
  const own = { of: `directory ${source}`, withinMs }
  const upTo = (points: number) => others && { ...others, points }
  const key = JSON.stringify([subject, generation])
  return {
    id,
    rates: [],
    budgets: [
      { name: 'directory_full', key, own: { ...own, points: most, isOpen: false, others: upTo(most) } },
      {
        name: 'directory',
        key,
        own: { ...own, points: share, isOpen: isKnown, others: upTo(isReleased ? most : share) },
      },
    ],
  }
}

function directoryPermit(counter: AttemptCounter, keys: CounterKeys): DirectoryPermit {
  return {
    kind: 'permit',
    right: () => counter.refund(keys, ['directory', 'directory_full']),
    wrong: async () => (await counter.fail(keys)) as readonly DirectoryCause[],
    refund: () => counter.refund(keys, []),
  }
}

/** Without an address, the pair of user and address is the user. */
function lockable(budget: FailureBudget, { address }: LimitSubject): FailureBudget {
  return budget === 'user_address' && address === undefined ? 'user' : budget
}
