import type { Candidate } from '../domain/identity-provider.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import { type Person, subjectOf } from '../domain/person.ts'
import type { Policy } from '../domain/policy.ts'
import { mayHoldFor } from '../domain/policy-conditions.ts'
import { amountText, type QuotaStanding } from '../domain/quota.ts'
import type { QuotaAddition, UsageStore } from '../domain/usage.ts'
import type { Quotas } from '../login/quotas.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface UserQuotasOptions extends RecordAuditOptions {
  readonly policies: readonly Policy[]
  readonly quotas: Pick<Quotas, 'today' | 'standings'>
  readonly usage: Pick<UsageStore, 'add'>
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/** Octets and seconds. */
export type Addition = Pick<QuotaAddition, 'octets' | 'seconds'>

export interface UserStandings {
  readonly subject: string
  /** By the order of policies. */
  readonly standings: readonly QuotaStanding[]
}

/** What is left of a user's quotas, and more of them. */
export class UserQuotas {
  readonly #options: UserQuotasOptions

  constructor(options: UserQuotasOptions) {
    this.#options = options
  }

  /** By the quotas of all policies that may let the user in, from wherever. @throws Unavailable */
  async standings(person: Pick<Person, 'subject' | 'groups'>): Promise<readonly QuotaStanding[]> {
    const { policies, quotas: present } = this.#options
    const concerned = policies.filter(({ quotas, when }) => quotas !== undefined && mayHoldFor(when, person))
    return (await Promise.all(concerned.map(({ name }) => present.standings(name, person.subject)))).flat()
  }

  /** @param typed a user name or a subject. @returns undefined where no identity store knows it. @throws Unavailable */
  async find(typed: string): Promise<UserStandings | undefined> {
    const person = await this.#personNamed(typed)
    return person && { subject: person.subject, standings: await this.standings(person) }
  }

  /**
   * Adds to the user's own quotas of that kind, for the periods that hold today.
   * @returns `no_quota` where there is none to add to; undefined where no identity store knows the user. @throws Unavailable
   */
  async add(
    typed: string,
    addition: Addition,
    context: AuditContext,
  ): Promise<UserStandings | 'no_quota' | undefined> {
    const before = await this.find(typed)
    if (before === undefined) return undefined
    const has = (isOfTime: boolean) =>
      before.standings.some(
        ({ quota: { of, measure } }) => of === 'user' && (measure === 'time') === isOfTime,
      )
    const { octets, seconds } = addition
    if ((octets > 0 && !has(false)) || (seconds > 0 && !has(true))) return 'no_quota'
    const { subject } = before
    const { usage, quotas, random } = this.#options
    await usage.add({ id: random.id(), subject, day: quotas.today(), octets, seconds })
    const amounts = [octets > 0 && amountText('both', octets), seconds > 0 && amountText('time', seconds)]
    const detail = amounts.flatMap((amount) => (amount === false ? [] : [`${amount} added`])).join(', ')
    await recordAudit(context, { kind: 'quota.added', user: subject, detail }, this.#options)
    return this.find(typed)
  }

  async #personNamed(typed: string): Promise<Pick<Person, 'subject' | 'groups'> | undefined> {
    const { candidates, clock, patienceMs } = this.#options
    const name = parseLoginName(typed)
    for (const candidate of name === undefined ? [] : candidates(name)) {
      const answer = await candidate.store.lookup(candidate.name, clock.monotonic() + patienceMs)
      if (answer.kind === 'right')
        return { subject: subjectOf(candidate, answer.account), groups: answer.account.groups }
      if (answer.kind !== 'unknown') return { subject: candidate.subject, groups: [] }
    }
    return undefined
  }
}
