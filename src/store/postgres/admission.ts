import { type Kysely, type QueryCreator, type QueryResult, type RawBuilder, sql } from 'kysely'
import type { Admission, Claim } from '../../domain/login-records.ts'
import { customerNetwork } from '../../domain/network.ts'
import { AUDIT_COLUMNS, auditRow } from '../audit.ts'
import { locksOnEither } from '../lockouts.ts'
import { type Place, prepared } from '../prepared.ts'
import type { AuditEventRow, LockoutRow, SessionRow, Tables } from '../schema.ts'
import { takingOver } from '../session-opening.ts'
import { SESSION_COLUMNS, sessionColumns } from '../session-rows.ts'
import { type LeaseValues, type Leasing, leasable, leaseValues, take } from './leasing.ts'
import { type Prefixed, prefixed } from './prefixed.ts'

/** A lock in force, if there is one, whether the login was admitted, and the address for it; one row at least. */
export type AdmissionRow = { readonly [Column in keyof LockoutRow]: LockoutRow[Column] | null } & {
  readonly admitted: number
  /** Null where none was asked for, or none is free. */
  readonly leasable: string | null
}

type Values = Prefixed<'event', AuditEventRow> &
  Prefixed<'session', SessionRow> &
  Prefixed<'claim', { enrolment: string; step: number; subject: string; hash: string }> &
  LeaseValues & {
    readonly user: string
    readonly address: string | null
    readonly now: number
    readonly spared: string
  }

/**
 * A whole success in one statement, which PostgreSQL does as a whole or not at all: with no lock in force and an
 * address for the session the code is claimed; with the claim come the address, the session, the event, and the end of
 * consecutive failures.
 */
export function admitInOneStatement(
  db: Kysely<Tables>,
  admission: Admission,
): Promise<QueryResult<AdmissionRow>> {
  const { query, spared, claim, session, lease, event } = admission
  const values = {
    user: query.user,
    address: query.address === undefined ? null : customerNetwork(query.address),
    now: query.now,
    spared: spared ?? '',
    ...prefixed('claim', claim),
    ...prefixed('event', auditRow(event)),
    ...prefixed('session', session === undefined ? {} : { ...sessionColumns(session), revision: 0 }),
    ...(session === undefined || lease === undefined
      ? {}
      : { ...leaseValues(session, lease), 'session.pool': lease.pool }),
  }
  return STATEMENTS[claim.kind][outcomeOf(admission)](db, values as Values)
}

type Statement = (db: Kysely<Tables>, values: Values) => Promise<QueryResult<AdmissionRow>>

type Claiming = QueryCreator<Tables & { locks: LockoutRow }>
type Claimed = QueryCreator<Tables & { locks: LockoutRow; claimed: { one: number } }>

const one = sql<number>`1`.as('one')

/** A sign-in at the broker's own pages, or what a session gets beside its event. */
type Outcome = 'page' | 'session' | Leasing

function outcomeOf({ session, lease }: Admission): Outcome {
  if (session === undefined) return 'page'
  if (lease === undefined) return 'session'
  return lease.address === undefined ? 'any address' : 'own address'
}

const STATEMENTS: Readonly<Record<Claim['kind'], Readonly<Record<Outcome, Statement>>>> = {
  totp: statements(claimStep),
  recovery: statements(claimRecoveryCode),
  none: statements(claimNothing),
}

type ClaimOf = typeof claimStep | typeof claimRecoveryCode | typeof claimNothing

function statements(claim: ClaimOf): Readonly<Record<Outcome, Statement>> {
  const [page, session] = [statement(claim, false), statement(claim, true)]
  return {
    ...{ page, session },
    'any address': statementWithLease(claim, 'any address'),
    'own address': statementWithLease(claim, 'own address'),
  }
}

function statement(claim: ClaimOf, opensSession: boolean): Statement {
  return prepared((db, value: Place<Values>) => {
    const claimed = db
      .with('locks', (locks) => barring(locks, value))
      .with('claimed', (claiming) => claim(claiming, value, unbarred))
      .with('noted', (noting) => note(noting, value))
      .with('forgotten', (forgetting) => forget(forgetting, value))
    const whole = opensSession ? claimed.with('opened', (opening) => open(opening, value)) : claimed
    return answer(whole).select(sql<null>`null`.as('leasable'))
  })
}

function statementWithLease(claim: ClaimOf, leasing: Leasing): Statement {
  return prepared((db, value: Place<Values>) => {
    const whole = db
      .with('locks', (locks) => barring(locks, value))
      .with('leasable', (looking) => leasable(looking, leasing, value))
      .with('claimed', (claiming) =>
        claim(claiming, value, sql`${unbarred} and exists (select from leasable)`),
      )
      .with('noted', (noting) => note(noting, value))
      .with('forgotten', (forgetting) => forget(forgetting, value))
      .with('leased', (taking) => take(taking, value))
      .with('opened', (opening) => open(opening, value, sql`(select address from leasable)`))
    return answer(whole).select(sql<string | null>`(select address from leasable)`.as('leasable'))
  })
}

function answer(whole: Claimed) {
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

const unbarred = sql<boolean>`not exists (select from locks)`

function claimStep(db: Claiming, value: Place<Values>, mayClaim: RawBuilder<boolean>) {
  return db
    .updateTable('enrolments')
    .set({ last_step: value('claim.step') })
    .where('id', '=', value('claim.enrolment'))
    .where('last_step', '<', value('claim.step'))
    .where(mayClaim)
    .returning(one)
}

function claimRecoveryCode(db: Claiming, value: Place<Values>, mayClaim: RawBuilder<boolean>) {
  return db
    .updateTable('recovery_codes')
    .set({ used_at: value('now') })
    .where('subject', '=', value('claim.subject'))
    .where('hash', '=', value('claim.hash'))
    .where('used_at', 'is', null)
    .where(mayClaim)
    .returning(one)
}

function claimNothing(db: Claiming, _: Place<Values>, mayClaim: RawBuilder<boolean>) {
  return db.selectNoFrom(one).where(mayClaim)
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

/** @param ipv4 in place of the session's. */
function open(db: Claimed, value: Place<Values>, ipv4?: RawBuilder<string>) {
  const of = (column: keyof SessionRow) =>
    column === 'ipv4' && ipv4 !== undefined ? ipv4 : sql`${value(`session.${column}`)}`
  return db
    .insertInto('sessions')
    .columns(SESSION_COLUMNS)
    .expression(db.selectFrom('claimed').select(SESSION_COLUMNS.map((column) => of(column).as(column))))
    .onConflict(takingOver(((column) => value(`session.${column}`)) as Place<SessionRow>))
}

function forget(db: Claimed, value: Place<Values>) {
  return db
    .deleteFrom('login_state')
    .where('user_stem', '=', value('user'))
    .where((row) => row.exists(row.selectFrom('claimed').select(one)))
}
