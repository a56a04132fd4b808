import { type Expression, type Kysely, type QueryCreator, type SqlBool, sql } from 'kysely'
import type { GraceStanding } from '../domain/grace.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

export interface GraceQuery {
  readonly subject: string
  /** Wall milliseconds. */
  readonly now: number
}

interface GraceUse extends GraceQuery {
  /** Logins that grace may let in, all in all. */
  readonly most: number
}

export async function graceOf(db: Kysely<Tables>, query: GraceQuery): Promise<GraceStanding> {
  const [row] = (await standing(db, query)).rows
  return { logins: row?.logins ?? 0, isOpen: row !== undefined && Number(row.open) === 1 }
}

const standing = prepared((db, value: Param<GraceQuery>) =>
  db
    .selectFrom(db.selectNoFrom(sql<number>`1`.as('one')).as('o'))
    .leftJoin('grace', (join) => join.on('grace.subject', '=', value('subject')))
    .select('grace.logins')
    .select(
      sql<number>`case when ${hasNothing(value('subject'))}
        and (coalesce(grace.closed, 0) = 0 or ${isInvited(value('subject'), value('now'))}) then 1 else 0 end`.as(
        'open',
      ),
    ),
)

/**
 * Counts one login by grace, where there is one left and nothing that ends it: of logins at the same moment no more get
 * in than are left.
 */
export function spendingGrace(
  db: QueryCreator<Tables>,
  { subject, most, now }: GraceUse,
  may: Expression<SqlBool> = sql<boolean>`1 = 1`,
) {
  return db
    .insertInto('grace')
    .columns(['subject', 'logins', 'last_at', 'closed'])
    .expression(
      db
        .selectNoFrom([
          sql<string>`${subject}`.as('subject'),
          sql<number>`1`.as('logins'),
          sql<number>`${now}`.as('last_at'),
          sql<number>`0`.as('closed'),
        ])
        .where(may)
        .where(hasNothing(subject)),
    )
    .onConflict((conflict) =>
      conflict
        .column('subject')
        .doUpdateSet({ logins: sql`grace.logins + 1`, last_at: now })
        .where(sql<boolean>`grace.logins < ${most} and (grace.closed = 0 or ${isInvited(subject, now)})`),
    )
}

export const spendGrace = prepared((db, value: Param<GraceUse>) =>
  spendingGrace(db, { subject: value('subject'), most: value('most'), now: value('now') }),
)

/**
 * In the transaction that takes an authenticator or a passkey away: a password alone must not open the door again that a
 * second factor had closed.
 */
export async function closeGrace(db: Kysely<Tables>, subject: string): Promise<void> {
  await db
    .insertInto('grace')
    .values({ subject, logins: 0, last_at: null, closed: 1 })
    .onConflict((conflict) => conflict.column('subject').doUpdateSet({ closed: 1 }))
    .execute()
}

function hasNothing(subject: string) {
  return sql<boolean>`not exists (select 1 from enrolments where enrolments.subject = ${subject})
    and not exists (select 1 from passkeys where passkeys.subject = ${subject})`
}

function isInvited(subject: string, now: number) {
  return sql<boolean>`exists (select 1 from invitations where invitations.subject = ${subject}
    and invitations.expires_at > ${now} and invitations.used_at is null)`
}
