import { type Kysely, sql } from 'kysely'
import { stemOf } from '../domain/login-name.ts'
import { Unavailable } from '../domain/person.ts'
import type { Randomness } from '../domain/random.ts'
import {
  type AccountingRecord,
  GRANT_TO_START_MS,
  type Session,
  type SessionFilter,
  type SessionStore,
} from '../domain/session.ts'
import { writeEvents } from './audit.ts'
import { handOn, noteNews } from './lease-news.ts'
import { Overtaken } from './overtaken.ts'
import { type Place, placesOf, prepared } from './prepared.ts'
import type { SessionRow, Tables } from './schema.ts'
import { foldRecord, joinGrant, sessionOfRecord } from './session-fold.ts'
import { SESSION_COLUMNS, sessionColumns, sessionOf } from './session-rows.ts'
import { UniqueViolation } from './unique-violation.ts'

/** A Start may seem to come before its login: Acct-Delay-Time counts whole seconds, and brokers' clocks differ. */
const CLOCK_SLACK_MS = 10_000
/** More often than this nobody overtakes by chance. */
const TRIES = 20

export class SqlSessions implements SessionStore {
  readonly #db: Kysely<Tables>
  readonly #random: Randomness

  constructor(db: Kysely<Tables>, random: Randomness) {
    this.#db = db
    this.#random = random
  }

  async record(entry: AccountingRecord): Promise<void> {
    let overtaken: unknown
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        await this.#fold(entry)
        return
      } catch (error) {
        if (!(error instanceof Overtaken || error instanceof UniqueViolation)) throw error
        overtaken = error
      }
    }
    if (overtaken instanceof UniqueViolation) throw overtaken
    // Later it can be: no record may be set aside as one that never can.
    const { acctSession, gateway } = entry
    throw new Unavailable('storage', `session ${acctSession} of ${gateway} changes too often to be written`)
  }

  async list({ user, open, after, limit }: SessionFilter): Promise<readonly Session[]> {
    let sessions = this.#db.selectFrom('sessions').selectAll()
    if (user !== undefined) sessions = sessions.where('user_stem', '=', stemOf(user))
    if (open !== undefined) sessions = sessions.where('stopped_at', open ? 'is' : 'is not', null)
    if (after !== undefined) sessions = sessions.where('id', '<', after)
    return (await sessions.orderBy('id', 'desc').limit(limit).execute()).map(sessionOf)
  }

  /** @throws Overtaken, UniqueViolation where another record of the session came between reading and writing. */
  #fold(entry: AccountingRecord): Promise<void> {
    return this.#db.transaction().execute(async (db) => {
      const accounted = await named(db, entry)
      const granted = accounted?.granted_at != null ? undefined : await untied(db, entry)
      const base = granted ?? accounted
      if (base === undefined) {
        const unknown = sessionOfRecord(this.#random.id(), entry)
        // As it was known before: not at all.
        await this.#noteNews(db, { ...unknown, ipv4: undefined }, entry)
        if (!(await insert(db, unknown))) throw new Overtaken()
        return
      }
      const isJoined = granted !== undefined && accounted !== undefined
      const before = isJoined ? joinGrant(sessionOf(granted), sessionOf(accounted)) : sessionOf(base)
      const session = foldRecord(before, entry)
      // Before the session, as an admission does it: of two that want both, one would wait for the other for ever.
      if (isJoined) await handOn(db, accounted, granted)
      await this.#noteNews(db, before, entry)
      if (isJoined && !(await remove(db, accounted))) throw new Overtaken()
      if (!(await write(db, base, session))) throw new Overtaken()
    })
  }

  async #noteNews(db: Kysely<Tables>, session: Session, entry: AccountingRecord): Promise<void> {
    const shared = await noteNews(db, session, entry)
    if (shared === undefined) return
    const { address, other } = shared
    const { subject, user, gateway } = session
    const detail = `session ${session.id} of ${subject ?? user} has ${address}, which is ${other}’s`
    const event = {
      id: this.#random.id(),
      at: entry.at,
      kind: 'address.shared',
      user,
      gateway,
      detail,
    } as const
    await writeEvents(db, [event])
  }
}

/** The session that carries the record's name. */
async function named(
  db: Kysely<Tables>,
  { gateway, acctSession }: AccountingRecord,
): Promise<SessionRow | undefined> {
  return (await byName(db, { gateway, acctSession })).rows[0]
}

const byName = prepared((db, value: Place<{ gateway: string; acctSession: string }>) =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('gateway', '=', value('gateway'))
    .where('acct_session', '=', value('acctSession')),
)

/**
 * The latest login that the record's session can have come from and that no session was tied to. radcli appends a
 * realm to the name at login and not in accounting, so `bob` may have logged in as `bob@realm`.
 */
async function untied(
  db: Kysely<Tables>,
  { gateway, user, address, at, seconds }: AccountingRecord,
): Promise<SessionRow | undefined> {
  const began = at - seconds * 1000
  const withRealm = `${user}@`
  const login: UntiedLogin = {
    gateway,
    user,
    address: address ?? null,
    withRealm,
    // SQL counts characters, not the halves of surrogate pairs.
    length: [...withRealm].length,
    from: began - GRANT_TO_START_MS,
    to: began + CLOCK_SLACK_MS,
  }
  const query = address === undefined ? untiedFromNowhere : untiedFromAddress
  return (await query(db, login)).rows[0]
}

interface UntiedLogin {
  readonly gateway: string
  readonly user: string
  readonly address: string | null
  readonly withRealm: string
  readonly length: number
  readonly from: number
  readonly to: number
}

const untiedFromAddress = prepared((db, value: Place<UntiedLogin>) =>
  untiedLogin(db, value).where('address', '=', value('address')),
)

const untiedFromNowhere = prepared((db, value: Place<UntiedLogin>) =>
  untiedLogin(db, value).where('address', 'is', null),
)

function untiedLogin(db: Kysely<Tables>, value: Place<UntiedLogin>) {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('gateway', '=', value('gateway'))
    .where('acct_session', 'is', null)
    .where('granted_at', '>=', value('from'))
    .where('granted_at', '<=', value('to'))
    .where((row) =>
      row.or([
        row('user_name', '=', value('user')),
        row(sql<string>`substr(${row.ref('user_name')}, 1, ${value('length')})`, '=', value('withRealm')),
      ]),
    )
    .orderBy('granted_at', 'desc')
    .limit(1)
}

async function insert(db: Kysely<Tables>, session: Session): Promise<boolean> {
  const inserted = await insertUnlessNamed(db, { ...sessionColumns(session), revision: 0 })
  return inserted.rows.length === 1
}

const insertUnlessNamed = prepared((db, value: Place<SessionRow>) =>
  db
    .insertInto('sessions')
    .values(placesOf(value, SESSION_COLUMNS))
    .onConflict((conflict) => conflict.columns(['gateway', 'acct_session']).doNothing())
    .returning('id'),
)

async function write(db: Kysely<Tables>, before: SessionRow, session: Session): Promise<boolean> {
  const row = { ...sessionColumns(session), revision: before.revision + 1, before: before.revision }
  return (await writeOver(db, row)).numAffectedRows === 1n
}

/** A session keeps its identifier. */
const writeOver = prepared((db, value: Place<SessionRow & { readonly before: number }>) =>
  db
    .updateTable('sessions')
    .set(placesOf(value, SESSION_COLUMNS))
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
