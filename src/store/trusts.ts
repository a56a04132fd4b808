import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import type { ShownTrust, Trust, TrustQuery, TrustSearch, TrustStore } from '../domain/trust.ts'
import { mappingOf } from './columns.ts'
import { isOver } from './is-over.ts'
import { type Param, paramsOf, prepared } from './prepared.ts'
import type { Tables, TrustRow } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

/** How far the clocks of two brokers may differ, in milliseconds: a lockout of the minute before a trust ends it too. */
const CLOCKS_DIFFER_MS = 60_000

export class SqlTrusts extends SqlRepository implements TrustStore {
  async list({ over, user, now, after, limit }: TrustSearch): Promise<readonly ShownTrust[]> {
    let trusts = this.db
      .selectFrom('trusts')
      .selectAll()
      .where((row) => isInForce(row, now))
    if (over !== undefined) trusts = trusts.where(isOver(over, sql.ref('trusts.user_stem')))
    if (user !== undefined) trusts = trusts.where((row) => isOf(row, user))
    if (after !== undefined) trusts = trusts.where('id', '<', after)
    return (await trusts.orderBy('id', 'desc').limit(limit).execute()).map(shown)
  }

  async revoke(id: string): Promise<ShownTrust | undefined> {
    const row = await this.db.deleteFrom('trusts').where('id', '=', id).returningAll().executeTakeFirst()
    return row && shown(row)
  }

  async revokeAllOf(user: string): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom('trusts')
      .where((row) => isOf(row, user))
      .executeTakeFirst()
    return Number(numDeletedRows)
  }
}

type Row = ExpressionBuilder<Tables, 'trusts'>

/** A username without a realm is that of users of every identity store. */
function isOf(row: Row, user: string): Expression<SqlBool> {
  return row.and([
    row('user_stem', '=', usernameOf(user)),
    ...(usernameOf(user) === user ? [] : [row('subject', '=', user)]),
  ])
}

/** The authenticator is still the user's, and no lockout of the user was made since: it may have been a thief's doing. */
function isInForce(row: Row, now: number): Expression<SqlBool> {
  const authenticator = row
    .selectFrom('enrolments')
    .select('enrolments.id')
    .whereRef('enrolments.id', '=', 'trusts.enrolment')
  const lockout = row
    .selectFrom('lockouts')
    .select('lockouts.id')
    .whereRef('lockouts.user_stem', '=', 'trusts.user_stem')
    .whereRef(
      'lockouts.since',
      '>=',
      sql<number>`${sql.ref('trusts.made_at')} - ${sql.lit(CLOCKS_DIFFER_MS)}`,
    )
  return row.and([
    row('trusts.expires_at', '>', now),
    row.exists(authenticator),
    row.not(row.exists(lockout)),
  ])
}

export async function findTrust(db: Kysely<Tables>, query: TrustQuery): Promise<Trust | undefined> {
  const [row] = (await inForceFor(db, query)).rows
  return row && fromRow(row)
}

const inForceFor = prepared((db, value: Param<TrustQuery>) =>
  db
    .selectFrom('trusts')
    .selectAll()
    .where('subject', '=', value('subject'))
    .where('source', '=', value('source'))
    .where('network', '=', value('network'))
    .where((row) => isInForce(row, value('now'))),
)

/** What a login that is let in by a trust names. */
interface TrustUse {
  readonly trust: string
  readonly enrolment: string
  readonly now: number
}

/** Notes the use of one that is in force at this moment: it may have been revoked since it was found. */
export function spending(db: Pick<Kysely<Tables>, 'updateTable'>, { trust, enrolment, now }: TrustUse) {
  return db
    .updateTable('trusts')
    .set((row) => ({ used_at: now, uses: row('uses', '+', 1) }))
    .where('id', '=', trust)
    .where('enrolment', '=', enrolment)
    .where((row) => isInForce(row, now))
}

export const spendTrust = prepared((db, value: Param<TrustUse>) =>
  spending(db, { trust: value('trust'), enrolment: value('enrolment'), now: value('now') }),
)

export const TRUST_COLUMNS = [
  'id',
  'subject',
  'source',
  'user_stem',
  'network',
  'enrolment',
  'record',
  'sealed_password_hash',
  'gateway',
  'made_at',
  'expires_at',
  'used_at',
  'uses',
] as const satisfies readonly (keyof TrustRow)[]

/** A new one of the same user and network takes the place of the old one, identifier and all. */
export const replacing = TRUST_COLUMNS.filter(
  (column) => column !== 'subject' && column !== 'source' && column !== 'network',
)

const put = prepared((db, value: Param<TrustRow>) =>
  db
    .insertInto('trusts')
    .values(paramsOf(value, TRUST_COLUMNS))
    .onConflict((conflict) =>
      conflict.columns(['subject', 'source', 'network']).doUpdateSet(paramsOf(value, replacing)),
    ),
)

export async function putTrust(db: Kysely<Tables>, trust: Trust): Promise<void> {
  await put(db, trustRow(trust))
}

export function trustRow(trust: Trust): TrustRow {
  return { ...toRow(trust), user_stem: usernameOf(trust.subject) }
}

const { toRow, fromRow } = mappingOf<Trust, TrustRow>()({
  id: 'id',
  subject: 'subject',
  source: 'source',
  network: 'network',
  enrolment: 'enrolment',
  record: 'record',
  sealedPasswordHash: 'sealed_password_hash',
  gateway: 'gateway',
  madeAt: 'made_at',
  expiresAt: 'expires_at',
  usedAt: 'used_at',
  uses: 'uses',
})

function shown(row: TrustRow): ShownTrust {
  const { enrolment: _, record: __, sealedPasswordHash: ___, ...rest } = fromRow(row)
  return rest
}
