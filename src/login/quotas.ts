import type { Clock } from '../domain/clock.ts'
import type { Person } from '../domain/person.ts'
import { type Entitlement, type Policy, withTimeLeft } from '../domain/policy.ts'
import { inForce, type QuotaStanding, quotaWords, standingOf } from '../domain/quota.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Day, SiteDays } from '../domain/site-days.ts'
import type { DayUsage, UsageStore } from '../domain/usage.ts'

export interface QuotasOptions {
  readonly usage: Pick<UsageStore, 'spent'>
  readonly policies: readonly Pick<Policy, 'name' | 'quotas'>[]
  readonly days: SiteDays
  readonly clock: Pick<Clock, 'now'>
}

/** How much of the quotas of policies is left. */
export class Quotas {
  readonly #options: QuotasOptions
  readonly #byPolicy: ReadonlyMap<string, NonNullable<Policy['quotas']>>

  constructor(options: QuotasOptions) {
    this.#options = options
    this.#byPolicy = new Map(options.policies.flatMap(({ name, quotas }) => (quotas ? [[name, quotas]] : [])))
  }

  /** Whether the policy has quotas at all. */
  has(policy: string): boolean {
    return this.#byPolicy.has(policy)
  }

  today(): Day {
    const { days, clock } = this.#options
    return days.dayOf(clock.now())
  }

  /** Where a user stands by the quotas of a policy, in their order. @throws Unavailable */
  async standings(policy: string, subject: string): Promise<readonly QuotaStanding[]> {
    const { usage } = this.#options
    const today = this.today()
    const quotas = (this.#byPolicy.get(policy) ?? []).map((quota) => inForce(quota, policy, today))
    const asked = async (of: 'user' | 'group'): Promise<readonly DayUsage[]> => {
      const froms = quotas.filter((quota) => quota.of === of).map(({ from }) => from)
      const [oldest] = froms.sort()
      if (oldest === undefined) return []
      return usage.spent(of === 'user' ? { policy, subject } : { policy }, oldest)
    }
    const [ofUser, ofAll] = await Promise.all([asked('user'), asked('group')])
    return quotas.map((quota) => standingOf(quota, quota.of === 'user' ? ofUser : ofAll))
  }
}

/** What a login is refused with whose quota is spent. */
export function refusedByQuota(standing: QuotaStanding): Refusal {
  const { quota, most, beginsAgain } = standing
  const detail = `the quota of policy ${quota.policy} is spent until ${beginsAgain}: ${quotaWords(quota, most)}`
  return { ...refuse('quota_spent', detail), quota: standing }
}

/** A session gets no more time than is left of a quota, or than the account has. @param now wall milliseconds. */
export function boundedTo(
  entitlement: Entitlement,
  person: Pick<Person, 'endsAt'> | undefined,
  standings: readonly QuotaStanding[],
  now: number,
): Entitlement {
  const ends = standings.flatMap(({ quota, left }) => (quota.measure === 'time' ? [left] : []))
  if (person?.endsAt !== undefined) ends.push((person.endsAt - now) / 1000)
  return ends.length === 0 ? entitlement : withTimeLeft(entitlement, Math.min(...ends))
}
