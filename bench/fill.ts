import { DatabaseSync } from 'node:sqlite'
import { openStore } from '../src/app/storage.ts'
import type { Config } from '../src/config/schema.ts'
import type { PostgresConfig } from '../src/config/sections/postgres.ts'
import { systemClock } from '../src/domain/clock.ts'
import { systemRandom } from '../src/domain/random.ts'
import { Secret } from '../src/domain/secret.ts'
import { postgresTarget } from '../src/store/postgres/copy-end.ts'
import type { EnrolmentRow, UserRow } from '../src/store/schema.ts'
import { GRANTED } from './server.ts'
import { DIGITS, PASSWORD, PERIOD, seedOf, userName } from './users.ts'

export interface Filling {
  /** Numbers of the users. */
  readonly from: number
  readonly to: number
  /** Users of a directory have their authenticators here and nothing else. */
  readonly local: boolean
}

/** Users that go to a server at one time. */
const AT_ONCE = 500

/** Adds the users, each with an authenticator, as the command line would leave them. */
export async function fillStore(config: Config, filling: Filling): Promise<void> {
  // Opened once for real, so that the tables and the keys are there.
  const store = await openStore(config)
  try {
    const passwordHash = await store.hashes.hash(new Secret(PASSWORD))
    const enrolmentOf = (user: number): EnrolmentRow => ({
      id: systemRandom.id(),
      kind: null,
      subject: userName(user),
      sealed_seed: store.keys.seal(new Secret(seedOf(user)), userName(user)),
      digits: DIGITS,
      period: PERIOD,
      algorithm: 'sha1',
      last_step: -1,
      drift_ms: 0,
      created_at: systemClock.now(),
      name: null,
      used_at: null,
    })
    const { postgres, sqlite } = config.storage
    if (postgres === undefined) fillFile(sqlite, filling, passwordHash, enrolmentOf)
    else await fillServer(postgres.server, filling, passwordHash, enrolmentOf)
  } finally {
    await store.close()
  }
}

/** In one transaction: a million users one by one would take an hour. */
function fillFile(
  path: string,
  { from, to, local }: Filling,
  passwordHash: string,
  enrolmentOf: (user: number) => EnrolmentRow,
): void {
  const database = new DatabaseSync(path)
  const insert = (table: string, row: object) => inserter(database, table, row)
  const users = insert('users', userRow(0, passwordHash))
  const groups = insert('user_groups', groupRow(0))
  const enrolments = insert('enrolments', enrolmentOf(0))
  database.exec('begin immediate')
  for (let user = from; user < to; user += 1) {
    if (local) {
      users(userRow(user, passwordHash))
      groups(groupRow(user))
    }
    enrolments(enrolmentOf(user))
  }
  database.exec('commit')
  database.exec('pragma wal_checkpoint(truncate)')
  database.close()
}

function inserter(database: DatabaseSync, table: string, row: object): (row: object) => void {
  const columns = Object.keys(row)
  const statement = database.prepare(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((name) => `:${name}`).join(', ')})`,
  )
  return (values) => void statement.run({ ...values })
}

function userRow(user: number, passwordHash: string): UserRow {
  return {
    name: userName(user),
    password_hash: passwordHash,
    enabled: 1,
    expires_at: null,
    ipv4: null,
    ipv6: null,
    ipv6_digits: null,
    attributes: '{}',
    created_at: systemClock.now(),
    revision: 0,
    mail: null,
    language: null,
  }
}

function groupRow(user: number) {
  return { user_name: userName(user), group_name: GRANTED.group, position: 0 }
}

async function fillServer(
  server: PostgresConfig['server'],
  { from, to, local }: Filling,
  passwordHash: string,
  enrolmentOf: (user: number) => EnrolmentRow,
): Promise<void> {
  const { db, settle, close } = await postgresTarget(server)
  for (let done = from; done < to; done += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, to - done) }, (_, index) => done + index)
    if (local) {
      await db
        .insertInto('users')
        .values(some.map((user) => userRow(user, passwordHash)))
        .execute()
      await db.insertInto('user_groups').values(some.map(groupRow)).execute()
    }
    await db.insertInto('enrolments').values(some.map(enrolmentOf)).execute()
  }
  await settle()
  await close()
}
