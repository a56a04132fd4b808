import type { Clock } from '../domain/clock.ts'
import type { Policy } from '../domain/policy.ts'
import { inForce, type QuotaInForce } from '../domain/quota.ts'
import type { AccountingReport, SessionStore } from '../domain/session.ts'
import type { Day, SiteDays } from '../domain/site-days.ts'

/** By which configuration records are counted. */
export interface LedgerRules {
  readonly days: SiteDays
  readonly policies: readonly Pick<Policy, 'name' | 'quotas'>[]
}

/** Hands accounting records to the database with the day and the quotas that they count for. */
export class Ledger {
  readonly #sessions: Pick<SessionStore, 'record'>
  readonly #clock: Pick<Clock, 'now'>
  #rules: LedgerRules
  #quotas: Readonly<Record<string, readonly QuotaInForce[]>> = {}
  #today: Day = ''

  constructor(sessions: Pick<SessionStore, 'record'>, rules: LedgerRules, clock: Pick<Clock, 'now'>) {
    this.#sessions = sessions
    this.#rules = rules
    this.#clock = clock
  }

  /** From now on. */
  use(rules: LedgerRules): void {
    this.#rules = rules
    this.#today = ''
  }

  /** @throws Unavailable */
  record(entry: AccountingReport): Promise<void> {
    const { days, policies } = this.#rules
    // A late record counts for its own day, and is held against the quotas of today.
    const today = days.dayOf(this.#clock.now())
    if (today !== this.#today) {
      this.#today = today
      this.#quotas = Object.fromEntries(
        policies.flatMap(({ name, quotas }) =>
          quotas === undefined ? [] : [[name, quotas.map((quota) => inForce(quota, name, today))]],
        ),
      )
    }
    return this.#sessions.record(entry, { day: days.dayOf(entry.at), quotas: this.#quotas })
  }
}
