import type { QuotaInForce } from './quota.ts'
import type { SessionCounters } from './session.ts'
import type { Day } from './site-days.ts'

/** What was used in a day, with what an administrator has added to the quotas for it. */
export interface DayUsage extends SessionCounters {
  readonly day: Day
  readonly addedOctets: number
  readonly addedSeconds: number
}

/** How an accounting record is counted. */
export interface CountingRules {
  /** On which what it adds is counted. */
  readonly day: Day
  /** By policy, of those that have some. */
  readonly quotas: Readonly<Record<string, readonly QuotaInForce[]>>
}

/** What usage is told apart by. */
export const USAGE_KEYS = ['user', 'gateway', 'policy'] as const

export type UsageKey = (typeof USAGE_KEYS)[number]

export interface UsageSearch {
  /** `Person.subject`; of sessions that no login was found for, the username. */
  readonly user?: string
  readonly gateway?: string
  /** Empty: sessions that no login was found for. */
  readonly policy?: string
  /** The first and the last day. */
  readonly from?: Day
  readonly to?: Day
  /** One row for each of these; absent: all together. */
  readonly by?: UsageKey
  /** Whether each day has a row of its own. */
  readonly perDay?: boolean
  /** The last row of the page before. */
  readonly after?: Pick<Usage, 'key' | 'day'>
  readonly limit: number
}

/** One row of an answer. */
export interface Usage extends SessionCounters {
  /** The user, the gateway or the policy; absent where all are counted together. */
  readonly key?: string
  /** Absent where all days are counted together. */
  readonly day?: Day
}

/** What an administrator adds to the quotas of a user for the periods that hold the day. */
export interface QuotaAddition {
  readonly id: string
  /** `Person.subject` */
  readonly subject: string
  readonly day: Day
  readonly octets: number
  readonly seconds: number
}

export interface UsageStore {
  /** Ordered by key and day. */
  list(search: UsageSearch): Promise<readonly Usage[]>
  /** What counts for the quotas of one user, or of a policy's sessions together, from a day on. */
  spent(whose: Spender, from: Day): Promise<readonly DayUsage[]>
  /** From now on the quotas of the user may be told again. */
  add(addition: QuotaAddition): Promise<void>
}

/** Whose sessions a quota counts: those that the policy let in, of one user or of all. */
export interface Spender {
  readonly policy: string
  /** Absent: of all. */
  readonly subject?: string
}
