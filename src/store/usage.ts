import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { SessionCounters } from '../domain/session.ts'
import type { Day } from '../domain/site-days.ts'
import type {
  DayUsage,
  QuotaAddition,
  Spender,
  Usage,
  UsageKey,
  UsageSearch,
  UsageStore,
} from '../domain/usage.ts'
import { nullsToUndefined } from './nulls-to-undefined.ts'
import { type Param, prepared, transact } from './prepared.ts'
import type { Tables } from './schema.ts'
import { SqlRepository } from './sql-repository.ts'

const KEY_COLUMNS: Readonly<Record<UsageKey, 'subject' | 'gateway' | 'policy'>> = {
  user: 'subject',
  gateway: 'gateway',
  policy: 'policy',
}

export class SqlUsage extends SqlRepository implements UsageStore {
  async list(search: UsageSearch): Promise<readonly Usage[]> {
    const { user, by, perDay = false, limit } = search
    // Of two tables with the same sums: a row of the totals stands for those of many users.
    const table = user !== undefined || by === 'user' ? 'usage_days' : 'usage_totals'
    const columns = [
      ...(by === undefined ? [] : [sql.ref<string>(KEY_COLUMNS[by])]),
      ...(perDay ? [sql.ref<string>('day')] : []),
    ]
    const [key, day] = [by === undefined ? NONE : sql.ref(KEY_COLUMNS[by]), perDay ? sql.ref('day') : NONE]
    const grouped = columns.length > 0 && sql`group by ${sql.join(columns)} order by ${sql.join(columns)}`
    const { rows } = await sql<Row>`select ${key} as key, ${day} as day,
        ${sum('seconds')} as seconds, ${sum('octets_in')} as "octetsIn", ${sum('octets_out')} as "octetsOut"
      from ${sql.table(table)}
      where ${sql.join([sql`1 = 1`, ...conditions(search, columns)], sql` and `)}
      ${grouped || sql`having count(*) > 0`}
      limit ${limit}`.execute(this.db)
    return rows.map(nullsToUndefined)
  }

  spent(whose: Spender, from: Day): Promise<readonly DayUsage[]> {
    return spent(this.db, whose, from)
  }

  async add(addition: QuotaAddition): Promise<void> {
    await transact(this.db, async (db) => {
      await db.insertInto('quota_additions').values(addition).execute()
      await db.deleteFrom('quota_marks').where('subject', '=', addition.subject).execute()
    })
  }
}

interface Row extends SessionCounters {
  readonly key: string | null
  readonly day: Day | null
}

const NONE = sql`null`

/** @param columns by which the rows are grouped and ordered. */
function conditions(
  { user, gateway, policy, from, to, by, after }: UsageSearch,
  columns: readonly RawBuilder<string>[],
): readonly RawBuilder<unknown>[] {
  // Users are read in their order, so that the search ends where a page is full: an index of days would not help.
  const day = by === 'user' ? sql`(day || '')` : sql.ref('day')
  const last = [after?.key, after?.day].filter((value) => value !== undefined)
  return [
    ...(user === undefined ? [] : [sql`subject = ${user}`]),
    ...(gateway === undefined ? [] : [sql`gateway = ${gateway}`]),
    ...(policy === undefined ? [] : [sql`policy = ${policy}`]),
    ...(from === undefined ? [] : [sql`${day} >= ${from}`]),
    ...(to === undefined ? [] : [sql`${day} <= ${to}`]),
    ...(last.length === 0 ? [] : [sql`(${sql.join(columns)}) > (${sql.join(last)})`]),
  ]
}

/** PostgreSQL's sums of whole numbers are decimal fractions. */
function sum(column: 'seconds' | 'octets_in' | 'octets_out' | 'octets') {
  return sql<number>`cast(sum(${sql.ref(column)}) as bigint)`
}

export async function spent(db: Kysely<Tables>, whose: Spender, from: Day): Promise<readonly DayUsage[]> {
  const { policy, subject } = whose
  const { rows } = await (subject === undefined
    ? spentOfAll(db, { policy, from })
    : spentOfUser(db, { policy, subject, from }))
  return rows
}

const none = sql<number>`0`

/** Sessions that no login was found for count in whatever policy the user has. */
const spentOfUser = prepared((db, value: Param<{ policy: string; subject: string; from: Day }>) =>
  db
    .selectFrom('usage_days')
    .select([
      'day',
      sum('seconds').as('seconds'),
      sum('octets_in').as('octetsIn'),
      sum('octets_out').as('octetsOut'),
    ])
    .select([none.as('addedOctets'), none.as('addedSeconds')])
    .where('subject', '=', value('subject'))
    .where('day', '>=', value('from'))
    .where('policy', 'in', [value('policy'), sql<string>`''`])
    .groupBy('day')
    .unionAll((additions) =>
      additions
        .selectFrom('quota_additions')
        .select(['day', none.as('seconds'), none.as('octetsIn'), none.as('octetsOut')])
        .select([sum('octets').as('addedOctets'), sum('seconds').as('addedSeconds')])
        .where('subject', '=', value('subject'))
        .where('day', '>=', value('from'))
        .groupBy('day'),
    ),
)

const spentOfAll = prepared((db, value: Param<{ policy: string; from: Day }>) =>
  db
    .selectFrom('usage_totals')
    .select([
      'day',
      sum('seconds').as('seconds'),
      sum('octets_in').as('octetsIn'),
      sum('octets_out').as('octetsOut'),
    ])
    .select([none.as('addedOctets'), none.as('addedSeconds')])
    .where('policy', '=', value('policy'))
    .where('day', '>=', value('from'))
    .groupBy('day'),
)
