import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { AuditEvent } from '../domain/audit.ts'
import { Unavailable } from '../domain/errors.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Randomness } from '../domain/random.ts'
import type {
  AccountingRecord,
  AccountingReport,
  ServerRestart,
  Session,
  SessionCrowd,
  SessionSearch,
  SessionStore,
} from '../domain/session.ts'
import type { CountingRules } from '../domain/usage.ts'
import { writeEvents } from './audit.ts'
import { endedBefore } from './ended-before.ts'
import { isOver } from './is-over.ts'
import { applyToLeases, moveLeases } from './lease-accounting.ts'
import { type Param, paramsOf, prepared, transact } from './prepared.ts'
import { enforceQuotas } from './quota-enforcement.ts'
import type { SessionRow, Tables } from './schema.ts'
import { crowdOf } from './session-crowd.ts'
import { mergeGrant, mergeRecord, sessionFromRecord } from './session-merge.ts'
import { orderEndIfDue, placeHolder, standingOf } from './session-places.ts'
import { SESSION_COLUMNS, sessionOf, sessionRow } from './session-rows.ts'
import { isIn } from './session-standing.ts'
import { searchColumn } from './subnet-columns.ts'
import { UniqueViolation } from './unique-violation.ts'
import { unmatched } from './unmatched-login.ts'
import { type Growth, growUsage } from './usage-growth.ts'
import { earlierUse, giveNameFree, sessionsBefore, startsAnew } from './used-again.ts'
import { isWithin } from './within-network.ts'
import { WriteConflict } from './write-conflict.ts'

/** More conflicts in a row than chance brings. */
const TRIES = 20

export class SqlSessions implements SessionStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  async record(entry: AccountingReport, rules: CountingRules = plainRules(entry)): Promise<void> {
    if (entry.kind !== 'restart') return this.#foldAtLast(entry, rules)
    for (const row of await sessionsBefore(this.#db, entry))
      await this.#foldAtLast(lastOf(sessionOf(row), entry), rules)
  }

  async #foldAtLast(entry: AccountingRecord, rules: CountingRules): Promise<void> {
    let conflict: unknown
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        await this.#fold(entry, rules)
        return
      } catch (error) {
        if (!(error instanceof WriteConflict || error instanceof UniqueViolation)) throw error
        conflict = error
      }
    }
    if (conflict instanceof UniqueViolation) throw conflict
    // Reported as an outage, so that the record is tried again later and not set aside as useless.
    const { acctSession, gateway } = entry
    throw new Unavailable('storage', `session ${acctSession} of ${gateway} changes too often to be written`)
  }

  async list(search: SessionSearch): Promise<readonly Session[]> {
    const {
      over,
      user,
      open,
      gateway,
      address,
      ip,
      acctSession,
      isUnknown,
      standing,
      order = 'newest',
      after,
      limit,
    } = search
    let sessions = this.#db.selectFrom('sessions').selectAll()
    if (over !== undefined) sessions = sessions.where(isOver(over, sql.ref('sessions.user_stem')))
    if (user !== undefined) sessions = sessions.where('user_stem', '=', usernameOf(user))
    if (open !== undefined) sessions = sessions.where('stopped_at', open ? 'is' : 'is not', null)
    if (gateway !== undefined) sessions = sessions.where('gateway', '=', gateway)
    if (address !== undefined)
      sessions = sessions.where((row) =>
        searchColumn(address) === 'address' ? row('address', '=', address) : isWithin(address, row),
      )
    if (ip !== undefined)
      sessions = sessions.where((row) => row.or([row('ipv4', '=', ip), row('ipv6', '=', ip)]))
    if (acctSession !== undefined) sessions = sessions.where('acct_session', '=', acctSession)
    if (isUnknown === true) sessions = sessions.where('granted_at', 'is', null)
    if (standing !== undefined) sessions = sessions.where((row) => isIn(standing.state, standing.at, row))
    if (order === 'last_ended') {
      const ended = sessions.where('stopped_at', 'is not', null)
      const rest = after === undefined ? ended : ended.where(endedBefore('sessions', 'stopped_at', after))
      const found = rest.orderBy('stopped_at', 'desc').orderBy('id', 'desc').limit(limit)
      return (await found.execute()).map(sessionOf)
    }
    if (after !== undefined) sessions = sessions.where('id', order === 'newest' ? '<' : '>', after)
    const sorted = sessions.orderBy('id', order === 'newest' ? 'desc' : 'asc')
    return (await sorted.limit(limit).execute()).map(sessionOf)
  }

  async find(id: string): Promise<Session | undefined> {
    const row = await this.#db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : sessionOf(row)
  }

  crowd(since: number, now: number): Promise<SessionCrowd> {
    return crowdOf(this.#db, since, now)
  }

  standing(user: Pick<Session, 'user' | 'subject'>): Promise<readonly Session[]> {
    return standingOf(this.#db, placeHolder(user))
  }

  /** @throws Overtaken, UniqueViolation where another record of the session came between reading and writing. */
  #fold(entry: AccountingRecord, rules: CountingRules): Promise<void> {
    return transact(this.#db, async (db) => {
      const present = await named(db, entry)
      const earlier = present && (await earlierUse(db, present, entry))
      if (earlier !== undefined) return this.#foldInto(db, earlier, entry, rules)
      const isAnother = present !== undefined && startsAnew(present, entry)
      const accounted = isAnother ? undefined : present
      const granted = accounted?.granted_at != null ? undefined : await unmatched(db, entry)
      const base = granted ?? accounted
      if (base === undefined) {
        const unknown = {
          ...sessionFromRecord(this.#random.id(), entry),
          ...(isAnother && comeBack(present, entry)),
        }
        // Nothing was known of the session before.
        await this.#noteNews(db, { ...unknown, ipv4: undefined, ipv6: undefined }, entry)
        if (isAnother && !(await giveNameFree(db, present))) throw new WriteConflict()
        if (!(await insert(db, unknown))) throw new WriteConflict()
        await this.#count(db, { after: unknown }, entry, rules)
        return orderEndIfDue(db, unknown, this.#random)
      }
      const isJoined = granted !== undefined && accounted !== undefined
      const before = isJoined ? mergeGrant(sessionOf(granted), sessionOf(accounted)) : sessionOf(base)
      const session = mergeRecord(before, entry)
      // Leases before sessions, in the order of an admission: another order could deadlock.
      const locked = isJoined ? await moveLeases(db, accounted, granted, entry) : undefined
      await this.#noteNews(db, before, entry, locked)
      if (isAnother && !(await giveNameFree(db, present))) throw new WriteConflict()
      if (isJoined && !(await remove(db, accounted))) throw new WriteConflict()
      if (!(await write(db, base, session))) throw new WriteConflict()
      const joined = isJoined ? sessionOf(accounted) : undefined
      await this.#count(db, { before, after: session, joined }, entry, rules)
      await orderEndIfDue(db, session, this.#random)
    })
  }

  /** A session whose name another one has now. */
  async #foldInto(
    db: Kysely<Tables>,
    row: SessionRow,
    entry: AccountingRecord,
    rules: CountingRules,
  ): Promise<void> {
    const before = sessionOf(row)
    await this.#noteNews(db, before, entry)
    const after = { ...mergeRecord(before, entry), acctSession: row.acct_session ?? undefined }
    if (!(await write(db, row, after))) throw new WriteConflict()
    await this.#count(db, { before, after }, entry, rules)
  }

  async #count(
    db: Kysely<Tables>,
    growth: Omit<Growth, 'day'>,
    { at }: AccountingRecord,
    { day, quotas }: CountingRules,
  ): Promise<void> {
    if (!(await growUsage(db, { ...growth, day }))) return
    await enforceQuotas(db, this.#random, growth.after, quotas[growth.after.policy ?? ''] ?? [], at)
  }

  async #noteNews(
    db: Kysely<Tables>,
    session: Session,
    entry: AccountingRecord,
    locked?: readonly string[],
  ): Promise<void> {
    const shared = await applyToLeases(db, session, entry, locked)
    const { subject, user, gateway } = session
    const events = shared.map(
      ({ address, other }): AuditEvent => ({
        id: this.#random.id(),
        at: entry.at,
        kind: 'address.shared',
        user,
        gateway,
        detail: `session ${session.id} of ${subject ?? user} has ${address}, which is ${other}’s`,
      }),
    )
    if (events.length > 0) await writeEvents(db, events)
  }
}

function plainRules({ at }: AccountingReport): CountingRules {
  return { day: new Date(at).toISOString().slice(0, 10), quotas: {} }
}

/** A session that gave up its place and comes back by its cookie, without a login, has none either. */
function comeBack({ gave_way_at }: SessionRow, { at }: AccountingRecord): Pick<Session, 'gaveWayAt'> {
  return gave_way_at === null ? {} : { gaveWayAt: at }
}

/** The Stop that a restarted server did not send. */
function lastOf(session: Session, { at }: ServerRestart): AccountingRecord {
  const { gateway, nas, user, acctSession = '', address, ipv4, ipv6, seconds, octetsIn, octetsOut } = session
  const counters = { seconds, octetsIn, octetsOut }
  return {
    kind: 'stop',
    gateway,
    nas,
    user,
    acctSession,
    address,
    ipv4,
    ipv6,
    terminateCause: 'NAS-Reboot',
    at,
    ...counters,
  }
}

/** The session that carries the record's name. */
async function named(
  db: Kysely<Tables>,
  { gateway, acctSession }: AccountingRecord,
): Promise<SessionRow | undefined> {
  return (await byName(db, { gateway, acctSession })).rows[0]
}

const byName = prepared((db, value: Param<{ gateway: string; acctSession: string }>) =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('gateway', '=', value('gateway'))
    .where('acct_session', '=', value('acctSession')),
)

async function insert(db: Kysely<Tables>, session: Session): Promise<boolean> {
  const inserted = await insertUnlessNamed(db, sessionRow(session))
  return inserted.rows.length === 1
}

const insertUnlessNamed = prepared((db, value: Param<SessionRow>) =>
  db
    .insertInto('sessions')
    .values(paramsOf(value, SESSION_COLUMNS))
    .onConflict((conflict) => conflict.columns(['gateway', 'acct_session']).doNothing())
    .returning('id'),
)

async function write(db: Kysely<Tables>, before: SessionRow, session: Session): Promise<boolean> {
  const row = { ...sessionRow(session, before.revision + 1), before: before.revision }
  return (await writeOver(db, row)).numAffectedRows === 1n
}

/** A session keeps its identifier. */
const writeOver = prepared((db, value: Param<SessionRow & { readonly before: number }>) =>
  db
    .updateTable('sessions')
    .set(paramsOf(value, SESSION_COLUMNS))
    .where('id', '=', value('id'))
    .where('revision', '=', value('before')),
)

async function remove(db: Kysely<Tables>, row: SessionRow): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('id', '=', row.id)
    .where('revision', '=', row.revision)
    .executeTakeFirst()
  return numDeletedRows === 1n
}
