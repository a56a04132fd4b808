import { type Kysely, type QueryCreator, type RawBuilder, sql } from 'kysely'
import type { Family, LeaseRequest } from '../../domain/address-pool.ts'
import { ADDRESS_KNOWN_MS } from '../../domain/lockout.ts'
import type { Admission, CodeUse } from '../../domain/login-records.ts'
import { accountKey } from '../../domain/person.ts'
import type { Session } from '../../domain/session.ts'
import { AUDIT_COLUMNS, auditRow } from '../audit.ts'
import { poolOfLeases } from '../lease-allocation.ts'
import type { LockoutRow } from '../lockout-schema.ts'
import { type Places, placesOf } from '../locks-in-force.ts'
import { forgivenAt, placeOf } from '../login-failures.ts'
import { type Param, paramsOf, prepared, type Rows } from '../prepared.ts'
import { spentCode } from '../recovery-codes.ts'
import type { AuditEventRow, SessionRow, Tables, TrustRow } from '../schema.ts'
import { takingOver } from '../session-opening.ts'
import { SESSION_COLUMNS, sessionRow } from '../session-rows.ts'
import { replacing, TRUST_COLUMNS, trustRow } from '../trusts.ts'
import { endedNameFreed, type SessionName } from '../used-again.ts'
import { barring } from './barring.ts'
import {
  type ClaimValues,
  claimGrace,
  claimNothing,
  claimPasskey,
  claimRecoveryCode,
  claimStep,
  claimTrust,
  one,
} from './claims.ts'
import {
  type LeaseValues,
  type Leasing,
  type Leasings,
  leasable,
  leaseValues,
  ownAddresses,
  PART,
  take,
} from './leasing.ts'
import { type Prefixed, prefixed } from './prefixed.ts'
import { isLimited, nextTurn, type RoomValues, room, roomValues } from './room.ts'

/** A lock in force, if there is one, whether the login was admitted, and the addresses for it; one row at least. */
export type AdmissionRow = { readonly [Column in keyof LockoutRow]: LockoutRow[Column] | null } & {
  readonly admitted: number
  /** 0: the user has as many sessions as they may have, ghosts included. */
  readonly room: number
  /** Null if none was asked for, or none is free. */
  readonly leasable: string | null
  readonly leasable6: string | null
}

type Values = Prefixed<'event', AuditEventRow> &
  Prefixed<'session', SessionRow> &
  ClaimValues &
  Prefixed<'trust', TrustRow> &
  LeaseValues &
  RoomValues &
  Places & {
    readonly user: string
    readonly alias: string
    readonly subject: string | null
    readonly forgiven: string | null
    readonly place: string
    readonly now: number
    readonly since: number
    readonly exempt: number
  }

/**
 * A whole success in one statement, which PostgreSQL does as a whole or not at all: if no lock is in force and there are
 * the addresses for the session, the code is spent, and with it come the addresses, the session, the event, and the end of
 * consecutive failures.
 * @param leaving sessions of the user whose places are free.
 */
export function admitInOneStatement(
  db: Kysely<Tables>,
  admission: Admission,
  leaving: readonly Session[] = [],
): Rows<AdmissionRow> {
  const { query, forgives, isExempt, codeUse: claim, session, trust, event } = admission
  const values = {
    user: query.user,
    alias: query.alias ?? query.user,
    subject: query.account?.subject ?? null,
    forgiven: forgives === true && query.account ? accountKey(query.account) : null,
    ...placesOf(query.address),
    place: placeOf(query.address),
    now: query.now,
    since: query.now - ADDRESS_KNOWN_MS,
    exempt: isExempt === true ? 1 : 0,
    ...prefixed('claim', claimValues(claim)),
    ...prefixed('event', auditRow(event)),
    ...prefixed('trust', trust === undefined ? {} : trustRow(trust)),
    ...prefixed('session', session === undefined ? {} : sessionRow(session)),
    ...(session && { ...leaseValues(session, admission), 'session.pool': poolOfLeases(admission) ?? null }),
    ...(isLimited(admission) && roomValues(admission, leaving)),
  }
  return statementFor(admission)(db, values as Values)
}

/** Of each kind, what its part of the statement takes. */
function claimValues(claim: CodeUse) {
  if (claim.kind === 'recovery') return spentCode(claim.subject, claim.hashes)
  return claim.kind === 'grace' ? { subject: claim.subject, most: claim.most } : claim
}

type Statement = (db: Kysely<Tables>, values: Values) => Rows<AdmissionRow>

type Claimed = QueryCreator<Tables & { locks: LockoutRow; claimed: { one: number } }>

/** By what is claimed and leased; without a session it is a sign-in at the broker's own pages. */
const statements = new Map<string, Statement>()

/** What differs between the statements of one kind of code. */
interface Extras {
  readonly trusts: boolean
  readonly isLimited: boolean
}

function statementFor(admission: Admission): Statement {
  const { codeUse, session, lease, lease6, ...made } = admission
  const leasings = { ipv4: lease && leasingOf(lease), ipv6: lease6 && leasingOf(lease6) }
  // Only a code makes a trust.
  const trusts = codeUse.kind === 'totp' && made.trust !== undefined
  const extras = { trusts, isLimited: isLimited(admission) }
  const key = JSON.stringify([codeUse.kind, extras, session !== undefined, leasings])
  const known = statements.get(key)
  if (known !== undefined) return known
  const claim = CLAIMS[codeUse.kind]
  const statement =
    session !== undefined && (lease ?? lease6) !== undefined
      ? withLeases(claim, leasings, extras)
      : withoutLeases(claim, session !== undefined, extras)
  statements.set(key, statement)
  return statement
}

function leasingOf({ address }: LeaseRequest): Leasing {
  return address === undefined ? 'any' : 'own'
}

const CLAIMS = {
  totp: claimStep,
  recovery: claimRecoveryCode,
  approval: claimPasskey,
  trust: claimTrust,
  grace: claimGrace,
  none: claimNothing,
  passkey: claimNothing,
} as const

type ClaimOf = (typeof CLAIMS)[CodeUse['kind']]

function withoutLeases(claim: ClaimOf, opensSession: boolean, { trusts, isLimited }: Extras): Statement {
  return prepared((db, value: Param<Values>) => {
    const claimed = db
      .with('locks', (locks) => barring(locks, value))
      .with('room', (looking) => (isLimited ? room(looking, value) : looking.selectNoFrom(one)))
      .with('claimed', (claiming) => claim(claiming, value, unbarred))
      .with('noted', (noting) => note(noting, value))
      .with('forgotten', (forgetting) => forget(forgetting, value))
    const trusting = trusts ? claimed.with('trusted', (making) => trust(making, value)) : claimed
    const whole = opensSession
      ? trusting
          .with('freed', (freeing) => freeName(freeing, value))
          .with('opened', (opening) => open(opening, value, isLimited))
      : trusting
    return answer(whole).select([
      sql<string | null>`null`.as('leasable'),
      sql<string | null>`null`.as('leasable6'),
    ])
  })
}

/** Both families or neither: without one of the addresses no code is spent, and so nothing is taken. */
function withLeases(claim: ClaimOf, leasings: Leasings, { trusts, isLimited }: Extras): Statement {
  const families = (['ipv4', 'ipv6'] as const).filter((family) => leasings[family] !== undefined)
  const found = (family: Family) =>
    leasings[family] === undefined
      ? sql<string | null>`null`
      : sql<string | null>`(select address from ${sql.table(PART[family])})`
  return prepared((db, value: Param<Values>) => {
    const locks = db
      .with('locks', (barred) => barring(barred, value))
      .with('room', (looking) => (isLimited ? room(looking, value) : looking.selectNoFrom(one)))
    const owned = Object.values(leasings).includes('own')
      ? locks.with('own', (owning) => ownAddresses(owning, leasings, value))
      : locks
    let looked = owned as typeof locks
    for (const family of families)
      looked = looked.with(PART[family], (looking) => leasable(looking, family, leasings, value)) as never
    const all = families.map((family) => sql<boolean>`exists (select from ${sql.table(PART[family])})`)
    let claimed = looked
      .with('claimed', (claiming) =>
        claim(claiming, value, sql`${unbarred} and ${sql.join(all, sql` and `)}`),
      )
      .with('noted', (noting) => note(noting, value))
      .with('forgotten', (forgetting) => forget(forgetting, value))
    for (const family of families)
      claimed = claimed.with(`taken_${family}`, (taking) => take(taking, family, value)) as never
    const freed = claimed.with('freed', (freeing) => freeName(freeing, value))
    const opened = freed.with('opened', (opening) =>
      open(opening, value, isLimited, {
        ipv4: leasings.ipv4 && found('ipv4'),
        // The user's own address may be another one of the prefix.
        ipv6: leasings.ipv6 && sql`coalesce(${value('session.ipv6')}, ${found('ipv6')})`,
      }),
    )
    const whole = trusts ? opened.with('trusted', (making) => trust(making, value)) : opened
    return answer(whole).select([found('ipv4').as('leasable'), found('ipv6').as('leasable6')])
  })
}

function answer(whole: Claimed) {
  return whole
    .selectFrom((from) =>
      from
        .selectFrom('claimed')
        .select((select) => select.fn.count<number>('one').as('admitted'))
        .select(sql<number>`(select count(*) from room)`.as('room'))
        .as('answer'),
    )
    .leftJoin('locks', (join) => join.onTrue())
    .selectAll('locks')
    .select(['answer.admitted', 'answer.room'])
}

/** No lockout bars the login, and the user may have one more session. */
const unbarred = sql<boolean>`not exists (select from locks) and exists (select from room)`

function note(db: Claimed, value: Param<Values>) {
  return db
    .insertInto('audit_events')
    .columns(AUDIT_COLUMNS)
    .expression(
      db
        .selectFrom('claimed')
        .select(AUDIT_COLUMNS.map((column) => sql`${value(`event.${column}`)}`.as(column))),
    )
}

function trust(db: Claimed, value: Param<Values>) {
  const of = ((column) => value(`trust.${column}`)) as Param<TrustRow>
  return db
    .insertInto('trusts')
    .columns(TRUST_COLUMNS)
    .expression(db.selectFrom('claimed').select(TRUST_COLUMNS.map((column) => sql`${of(column)}`.as(column))))
    .onConflict((conflict) =>
      conflict.columns(['subject', 'source', 'network']).doUpdateSet(paramsOf(of, replacing)),
    )
}

/** Before the session is opened: `open` reads how many rows this has changed. */
function freeName(db: Claimed, value: Param<Values>) {
  const name = ((column) =>
    value(column === 'gateway' ? 'session.gateway' : 'session.acct_session')) as Param<SessionName>
  return endedNameFreed(db, name)
    .where((row) => row.exists(db.selectFrom('claimed').select(one)))
    .returning(one)
}

/** @param leased in place of the session's. */
function open(
  db: Claimed,
  value: Param<Values>,
  isLimited: boolean,
  leased: { readonly [Column in keyof SessionRow]?: RawBuilder<unknown> } = {},
) {
  const of = (column: keyof SessionRow) => leased[column] ?? sql`${value(`session.${column}`)}`
  return db
    .insertInto('sessions')
    .columns([...SESSION_COLUMNS, 'turn'])
    .expression(
      db
        .selectFrom('claimed')
        .select(SESSION_COLUMNS.map((column) => of(column).as(column)))
        .select((isLimited ? nextTurn(value) : sql<number>`cast(null as bigint)`).as('turn'))
        .where(sql<boolean>`(select count(*) from freed) >= 0`),
    )
    .onConflict(takingOver(((column) => value(`session.${column}`)) as Param<SessionRow>))
}

function forget(db: Claimed, value: Param<Values>) {
  return forgivenAt(db, value).where((row) => row.exists(db.selectFrom('claimed').select(one)))
}
