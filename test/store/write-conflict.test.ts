import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { migrate } from '../../src/store/migrate.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import type { Tables } from '../../src/store/schema.ts'
import { NodeSqliteDialect } from '../../src/store/sqlite/dialect.ts'
import { accounting, NOON } from './samples.ts'

test('a record that others overtake again and again is tried later, and not given up as useless', async () => {
  const database = new DatabaseSync(':memory:')
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) })
  await migrate(db)
  const { sessions } = sqlRepositories(db, { random: systemRandom })
  await sessions.record(accounting('start', 'bob', 'acct-1'))
  // As if another transaction were always faster: every write finds another revision.
  database.exec(`create trigger overtaken before update on sessions begin select raise(ignore); end`)
  const interim = accounting('interim', 'bob', 'acct-1', { at: NOON + 1000, seconds: 1 })
  await expect(sessions.record(interim)).rejects.toThrow(Unavailable)
  database.exec('drop trigger overtaken')
  await sessions.record(interim)
  expect(await sessions.list({ user: 'bob', limit: 9 })).toMatchObject([{ seconds: 1 }])
})
