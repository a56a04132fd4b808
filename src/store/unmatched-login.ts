import { type Kysely, sql } from 'kysely'
import { usernameOf } from '../domain/login-name.ts'
import { type AccountingRecord, GRANT_TO_START_MS } from '../domain/session.ts'
import { type Param, prepared } from './prepared.ts'
import type { SessionRow, Tables } from './schema.ts'
import { CLOCK_SLACK_MS } from './used-again.ts'

/**
 * The latest login that the record's session can belong to and that no session was matched with. radcli appends a
 * realm to the name at login and not in accounting, so `bob` may have logged in as `bob@realm`.
 */
export async function unmatched(
  db: Kysely<Tables>,
  { gateway, user, address, at, seconds }: AccountingRecord,
): Promise<SessionRow | undefined> {
  const began = at - seconds * 1000
  const withRealm = `${user}@`
  const login: UnmatchedLogin = {
    gateway,
    user,
    username: usernameOf(user),
    address: address ?? null,
    withRealm,
    // SQL counts characters, not the halves of surrogate pairs.
    length: [...withRealm].length,
    from: began - GRANT_TO_START_MS,
    to: began + CLOCK_SLACK_MS,
  }
  const query = address === undefined ? unmatchedWithoutAddress : unmatchedFromAddress
  return (await query(db, login)).rows[0]
}

interface UnmatchedLogin {
  readonly gateway: string
  readonly user: string
  readonly username: string
  readonly address: string | null
  readonly withRealm: string
  readonly length: number
  readonly from: number
  readonly to: number
}

const unmatchedFromAddress = prepared((db, value: Param<UnmatchedLogin>) =>
  unmatchedLogin(db, value).where('address', '=', value('address')),
)

const unmatchedWithoutAddress = prepared((db, value: Param<UnmatchedLogin>) =>
  unmatchedLogin(db, value).where('address', 'is', null),
)

function unmatchedLogin(db: Kysely<Tables>, value: Param<UnmatchedLogin>) {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('user_stem', '=', value('username'))
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
