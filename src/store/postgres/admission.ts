import { type Kysely, type QueryCreator, type QueryResult, sql } from 'kysely'
import type { Admission, Claim } from '../../domain/login-records.ts'
import { customerNetwork } from '../../domain/network.ts'
import { AUDIT_COLUMNS, auditRow } from '../audit.ts'
import { locksOnEither } from '../lockouts.ts'
import { type Place, prepared } from '../prepared.ts'
import type { AuditEventRow, LockoutRow, SessionRow, Tables } from '../schema.ts'
import { takingOver } from '../session-opening.ts'
import { SESSION_COLUMNS, sessionColumns } from '../session-rows.ts'

/** A lock in force, if there is one, and whether the login was admitted; one row at least. */
export type AdmissionRow = { readonly [Column in keyof LockoutRow]: LockoutRow[Column] | null } & {
  readonly admitted: number
}

type Prefixed<Prefix extends string, Row> = {
  readonly [Column in keyof Row & string as `${Prefix}.${Column}`]: Row[Column]
}

type Values = Prefixed<'event', AuditEventRow> &
  Prefixed<'session', SessionRow> &
  Prefixed<'claim', { enrolment: string; step: number; subject: string; hash: string }> & {
    readonly user: string
    readonly address: string | null
    readonly now: number
    readonly spared: string
  }

/**
 * A whole success in one statement, which PostgreSQL does as a whole or not at all: with no lock in force the code is
 * claimed; with the claim come the session, the event, and the end of consecutive failures.
 */
export function admitInOneStatement(
  db: Kysely<Tables>,
  { query, spared, claim, session, event }: Admission,
): Promise<QueryResult<AdmissionRow>> {
  const values = {
    user: query.user,
    address: query.address === undefined ? null : customerNetwork(query.address),
    now: query.now,
    spared: spared ?? '',
    ...prefixed('claim', claim),
    ...prefixed('event', auditRow(event)),
    ...prefixed('session', session === undefined ? {} : { ...sessionColumns(session), revision: 0 }),
  }
  return STATEMENTS[claim.kind][session === undefined ? 'page' : 'session'](db, values as Values)
}

type Statement = (db: Kysely<Tables>, values: Values) => Promise<QueryResult<AdmissionRow>>

type Claiming = QueryCreator<Tables & { locks: LockoutRow }>
type Claimed = QueryCreator<Tables & { locks: LockoutRow; claimed: { one: number } }>

const one = sql<number>`1`.as('one')

const STATEMENTS: Readonly<Record<Claim['kind'], Readonly<Record<'session' | 'page', Statement>>>> = {
  totp: { session: statement(claimStep, true), page: statement(claimStep, false) },
  recovery: { session: statement(claimRecoveryCode, true), page: statement(claimRecoveryCode, false) },
  none: { session: statement(claimNothing, true), page: statement(claimNothing, false) },
}

function statement(
  claim: typeof claimStep | typeof claimRecoveryCode | typeof claimNothing,
  opensSession: boolean,
): Statement {
  return prepared((db, value: Place<Values>) => {
    const claimed = db
      .with('locks', (locks) => barring(locks, value))
      .with('claimed', (claiming) => claim(claiming, value))
      .with('noted', (noting) => note(noting, value))
      .with('forgotten', (forgetting) => forget(forgetting, value))
    const whole = opensSession ? claimed.with('opened', (opening) => open(opening, value)) : claimed
    return whole
      .selectFrom((from) =>
        from
          .selectFrom('claimed')
          .select((select) => select.fn.count<number>('one').as('admitted'))
          .as('answer'),
      )
      .leftJoin('locks', (join) => join.onTrue())
      .selectAll('locks')
      .select('answer.admitted')
  })
}

/** The locks that `bars` of the domain says bar the login. */
function barring(db: QueryCreator<Tables>, value: Place<Values>) {
  const spared = sql<string>`cast(${value('spared')} as text)`
  return db
    .selectFrom(locksOnEither(db, value).as('locks'))
    .selectAll()
    .where((row) =>
      row.or([
        row('cause', '!=', 'failures'),
        row.and([row(spared, '!=', 'all'), row(spared, '!=', row.ref('scope'))]),
      ]),
    )
}

function claimStep(db: Claiming, value: Place<Values>) {
  return db
    .updateTable('enrolments')
    .set({ last_step: value('claim.step') })
    .where('id', '=', value('claim.enrolment'))
    .where('last_step', '<', value('claim.step'))
    .where((row) => row.not(row.exists(row.selectFrom('locks').select(one))))
    .returning(one)
}

function claimRecoveryCode(db: Claiming, value: Place<Values>) {
  return db
    .updateTable('recovery_codes')
    .set({ used_at: value('now') })
    .where('subject', '=', value('claim.subject'))
    .where('hash', '=', value('claim.hash'))
    .where('used_at', 'is', null)
    .where((row) => row.not(row.exists(row.selectFrom('locks').select(one))))
    .returning(one)
}

function claimNothing(db: Claiming) {
  return db.selectNoFrom(one).where((row) => row.not(row.exists(row.selectFrom('locks').select(one))))
}

function note(db: Claimed, value: Place<Values>) {
  return db
    .insertInto('audit_events')
    .columns(AUDIT_COLUMNS)
    .expression(
      db
        .selectFrom('claimed')
        .select(AUDIT_COLUMNS.map((column) => sql`${value(`event.${column}`)}`.as(column))),
    )
}

function open(db: Claimed, value: Place<Values>) {
  return db
    .insertInto('sessions')
    .columns(SESSION_COLUMNS)
    .expression(
      db
        .selectFrom('claimed')
        .select(SESSION_COLUMNS.map((column) => sql`${value(`session.${column}`)}`.as(column))),
    )
    .onConflict(takingOver(((column) => value(`session.${column}`)) as Place<SessionRow>))
}

function forget(db: Claimed, value: Place<Values>) {
  return db
    .deleteFrom('login_state')
    .where('user_stem', '=', value('user'))
    .where((row) => row.exists(row.selectFrom('claimed').select(one)))
}

function prefixed(prefix: string, row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [`${prefix}.${column}`, value]))
}
