import { octetsText } from './octets.ts'
import { addDays, type Day } from './site-days.ts'
import type { DayUsage } from './usage.ts'

export const QUOTA_PERIODS = ['day', 'week', 'month', '30d'] as const

type QuotaPeriod = (typeof QUOTA_PERIODS)[number]

/** Octets to the user, from the user, or both; or the time of sessions. */
export type QuotaMeasure = 'down' | 'up' | 'both' | 'time'

/** How much the sessions of a policy may use. */
export interface Quota {
  readonly measure: QuotaMeasure
  /** Octets, or seconds. */
  readonly most: number
  readonly per: QuotaPeriod
  /** Whose sessions count together: one user's, or all of the policy. */
  readonly of: 'user' | 'group'
}

/** The share of a quota at which it is told, before it is spent. */
export const WARNED_SHARE = 0.8

const ROLLING_DAYS = 30
/** 1970-01-01 was the fourth day of a week that begins on Monday. */
const DAYS_BEFORE_EPOCH = 3

/** A quota in the period that holds a day. */
export interface QuotaInForce extends Quota {
  readonly policy: string
  /** The first day that counts. */
  readonly from: Day
  readonly today: Day
}

/** How much of a quota is used. Octets or seconds. */
export interface QuotaStanding {
  readonly quota: QuotaInForce
  readonly used: number
  /** With what was added. */
  readonly most: number
  /** 0: it is spent. */
  readonly left: number
  /** The first day on which there is something left, if nothing more is used; of one that is not spent, the day of the next period. */
  readonly beginsAgain: Day
}

export function inForce(quota: Quota, policy: string, today: Day): QuotaInForce {
  return { ...quota, policy, today, from: firstDayOf(quota.per, today) }
}

/** The same in every broker with the same configuration: names the quota where it was told. */
export function quotaKey({ policy, measure, per, of }: QuotaInForce): string {
  return `${policy}/${measure}/${per}/${of}`
}

function firstDayOf(per: QuotaPeriod, today: Day): Day {
  switch (per) {
    case 'day':
      return today
    case 'week':
      return addDays(today, -((Date.parse(today) / 86_400_000 + DAYS_BEFORE_EPOCH) % 7))
    case 'month':
      return `${today.slice(0, 7)}-01`
    case '30d':
      return addDays(today, 1 - ROLLING_DAYS)
  }
}

/** The first day of the next period; undefined where the period moves on with every day. */
function nextPeriod({ per, from }: QuotaInForce): Day | undefined {
  switch (per) {
    case 'day':
      return addDays(from, 1)
    case 'week':
      return addDays(from, 7)
    case 'month':
      return `${addDays(from, 31).slice(0, 7)}-01`
    case '30d':
      return undefined
  }
}

/** @param days of which those before the period do not count. */
export function standingOf(quota: QuotaInForce, days: readonly DayUsage[]): QuotaStanding {
  const used = sumFrom(quota.from, days, (day) => usedOf(quota, day))
  const most = quota.most + sumFrom(quota.from, days, (day) => addedOf(quota, day))
  return {
    quota,
    used,
    most,
    left: Math.max(0, most - used),
    beginsAgain: nextPeriod(quota) ?? firstWithRest(quota, days),
  }
}

/** In a rolling period each day gives free what was used 30 days before. */
function firstWithRest(quota: QuotaInForce, days: readonly DayUsage[]): Day {
  for (let later = 1; later < ROLLING_DAYS; later++) {
    const from = addDays(quota.from, later)
    const most = quota.most + sumFrom(from, days, (day) => addedOf(quota, day))
    if (sumFrom(from, days, (day) => usedOf(quota, day)) < most) return addDays(quota.today, later)
  }
  return addDays(quota.today, ROLLING_DAYS)
}

function sumFrom(from: Day, days: readonly DayUsage[], of: (day: DayUsage) => number): number {
  return days.reduce((sum, each) => (each.day < from ? sum : sum + of(each)), 0)
}

function usedOf({ measure }: Quota, { seconds, octetsIn, octetsOut }: DayUsage): number {
  switch (measure) {
    case 'down':
      return octetsOut
    case 'up':
      return octetsIn
    case 'both':
      return octetsIn + octetsOut
    case 'time':
      return seconds
  }
}

function addedOf({ measure }: Quota, { addedOctets, addedSeconds }: DayUsage): number {
  return measure === 'time' ? addedSeconds : addedOctets
}

const MEASURES: Readonly<Record<QuotaMeasure, string>> = {
  down: 'downloads',
  up: 'uploads',
  both: 'traffic',
  time: 'time online',
}
const PERIODS: Readonly<Record<QuotaPeriod, string>> = {
  day: 'a day',
  week: 'a week',
  month: 'a month',
  '30d': 'in 30 days',
}

/** `50 GB of traffic a month`. Pages show it in the reader's language by `stored.quota`. */
export function quotaWords({ measure, per, of }: Quota, most: number): string {
  const whose = of === 'group' ? ' for all of the policy' : ''
  return `${amountText(measure, most)} of ${MEASURES[measure]} ${PERIODS[per]}${whose}`
}

/** An amount with its unit: `1.5 GB`, `40 h`. */
export function amountText(measure: QuotaMeasure, amount: number): string {
  if (measure !== 'time') return octetsText(amount)
  return amount >= 3600 ? `${Math.round(amount / 360) / 10} h` : `${Math.ceil(amount / 60)} min`
}
