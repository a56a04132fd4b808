import { usernameOf } from '../domain/login-name.ts'
import type { EnrolmentStanding, RollOutStore } from '../domain/roll-out.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlRollOut extends SqlRepository implements RollOutStore {
  async standingsOf(subjects: readonly string[]): Promise<ReadonlyMap<string, EnrolmentStanding>> {
    const standings = new Map<string, EnrolmentStanding>()
    if (subjects.length === 0) return standings
    const [enrolled, passkeys, invited, graced, logins] = await Promise.all([
      this.db
        .selectFrom('enrolments')
        .select((row) => ['subject', row.fn.min('created_at').as('at')])
        .where('subject', 'in', subjects)
        .groupBy('subject')
        .execute(),
      this.db
        .selectFrom('passkeys')
        .select((row) => ['subject', row.fn.min('created_at').as('at')])
        .where('subject', 'in', subjects)
        .groupBy('subject')
        .execute(),
      this.db
        .selectFrom('invitations')
        .select(['subject', 'expires_at', 'used_at'])
        .where('subject', 'in', subjects)
        .execute(),
      this.db
        .selectFrom('grace')
        .select(['subject', 'logins', 'closed'])
        .where('subject', 'in', subjects)
        .execute(),
      this.#lastLogins(subjects),
    ])
    const add = (subject: string, part: EnrolmentStanding) =>
      standings.set(subject, { ...standings.get(subject), ...part })
    for (const { subject, at } of enrolled) add(subject, { enrolledAt: Number(at) })
    for (const { subject, at } of passkeys) add(subject, { passkeyAt: Number(at) })
    for (const { subject, logins: count, closed } of graced)
      add(subject, { grace: { logins: count, isClosed: closed === 1 } })
    for (const { subject, expires_at, used_at } of invited)
      add(subject, { invitation: { expiresAt: expires_at, usedAt: used_at ?? undefined } })
    for (const { subject, at } of logins)
      if (subject !== null && at !== null) add(subject, { lastLoginAt: at })
    return standings
  }

  /** Of the last session of each by its identifier, which follows the time. */
  #lastLogins(subjects: readonly string[]) {
    const stems = [...new Set(subjects.map(usernameOf))]
    return this.db
      .selectFrom('sessions')
      .select((row) => ['subject', row.fn.coalesce('granted_at', 'started_at', 'updated_at').as('at')])
      .where('id', 'in', (query) =>
        query
          .selectFrom('sessions')
          .select((row) => row.fn.max('id').as('id'))
          .where('user_stem', 'in', stems)
          .where('subject', 'in', subjects)
          .groupBy('subject'),
      )
      .execute()
  }
}
