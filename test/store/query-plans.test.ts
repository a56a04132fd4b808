import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type CompiledQuery, Kysely } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type Records, sqlRecords } from '../../src/store/records.ts'
import type { Tables } from '../../src/store/schema.ts'
import { NodeSqliteDialect } from '../../src/store/sqlite/dialect.ts'
import { accounting, admission, enrolmentOf, failureOf, id, NOON } from './samples.ts'

const asked: CompiledQuery[] = []
const database = new DatabaseSync(':memory:')
const db = new Kysely<Tables>({
  dialect: new NodeSqliteDialect(database),
  log: (event) => void asked.push(event.query),
})
let records: Records

beforeAll(async () => {
  await migrate(db)
  records = sqlRecords(db, { random: systemRandom })
})

const [user, address, limit] = ['bob', '192.0.2.7', 50]
const query = { user, subjects: [user, 'bob@corp'], address, now: NOON }

/** Whatever happens for each login, each accounting record, and each look at one user. */
const FREQUENT: readonly [string, () => Promise<unknown>][] = [
  ['a login view', () => records.login.view(query)],
  ['a login view over IPv6', () => records.login.view({ ...query, address: '2001:db8::7' })],
  [
    'what happened in a customer’s network',
    () => records.auditTrail.search({ address: '2001:db8::/64', order: 'newest', limit }),
  ],
  [
    'a login by TOTP',
    () => records.login.admit(admission(user, { kind: 'totp', enrolment: id(), step: 1 }, { address })),
  ],
  [
    'a login by recovery code',
    () => records.login.admit(admission(user, { kind: 'recovery', subject: user, hash: 'h' })),
  ],
  ['a login', () => records.login.admit(admission(user, { kind: 'none' }, { address }))],
  [
    'a failure',
    () =>
      records.login.recordFailure(
        failureOf(user, { address, lock: ['user_address', 'user', 'address'], rules: { hardAfter: 1 } }),
      ),
  ],
  ['a release', () => records.lockouts.releaseUser(user, 'alice', 'called', NOON)],
  ['a first accounting record', () => records.sessions.record(accounting('start', user, 'a1', { address }))],
  ['a further accounting record', () => records.sessions.record(accounting('stop', user, 'a1', { address }))],
  ['forgetting what is old', () => records.retention.prune({ audit: NOON, rest: NOON }, limit)],
  ['the keys in use', () => records.enrolments.keysInUse()],
  ['a local user', () => records.users.find(user)],
  ['an enrolment', () => records.enrolments.replace({ enrolment: enrolmentOf(user), recoveryHashes: ['h'] })],
  ['the enrolment of a subject', () => records.enrolments.find(user)],
  ['the recovery codes that are left', () => records.enrolments.recoveryCodesLeft(user)],
  ['the locks of a user', () => records.lockouts.list({ user, inForceAt: NOON, limit })],
  ['the open sessions', () => records.sessions.list({ open: true, limit })],
  ['the sessions of a user', () => records.sessions.list({ user, limit })],
  ['the audit events of a user', () => records.audit.list({ user, limit })],
  ['the audit events of a kind', () => records.audit.list({ kind: 'lockout.made', limit })],
]

for (const [what, perform] of FREQUENT) {
  test(`${what} costs the same however many rows there are: every table is searched by an index`, async () => {
    asked.length = 0
    await perform()
    const statements = asked.filter(({ sql }) => /^(select|insert|update|delete|with)/.test(sql))
    expect(statements.length).toBeGreaterThan(0)
    for (const { sql, parameters } of statements) {
      const plan = database.prepare(`explain query plan ${sql}`).all(...(parameters as SQLInputValue[]))
      const scanned = plan
        .map(({ detail }) => String(detail))
        .filter((step) => /^SCAN (?!\d+-ROW VALUES CLAUSE|sessions USING INDEX sessions_open)/.test(step))
      expect(scanned, sql).toEqual([])
    }
  })
}
