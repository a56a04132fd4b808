import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely } from 'kysely'
import { beforeAll, expect, test, vi } from 'vitest'
import { inForce } from '../../src/domain/quota.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type Repositories, sqlRepositories } from '../../src/store/repositories.ts'
import type { Tables } from '../../src/store/schema.ts'
import { NodeSqliteDialect } from '../../src/store/sqlite/dialect.ts'
import { Statements } from '../../src/store/sqlite/statements.ts'
import { deskQueries } from './desk-queries.ts'
import { accounting, admission, enrolmentOf, failureOf, id, NOON, trustOf } from './samples.ts'

const asked: { readonly sql: string; readonly parameters: readonly SQLInputValue[] }[] = []
const run = Statements.prototype.run
vi.spyOn(Statements.prototype, 'run').mockImplementation(function (this: Statements, sql, parameters) {
  asked.push({ sql, parameters })
  return run.call(this, sql, parameters)
})
const database = new DatabaseSync(':memory:')
const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) })
let records: Repositories

beforeAll(async () => {
  await migrate(db)
  records = sqlRepositories(db, { random: systemRandom })
})

const [user, address, limit] = ['bob', '192.0.2.7', 50]
const query = { user, subjects: [user, 'bob@corp'], address, now: NOON }

/** Everything that happens for each login, each accounting record, and each view of one user. */
const FREQUENT: readonly [string, () => Promise<unknown>][] = [
  ['a login view', () => records.login.view(query)],
  ['a login view over IPv6', () => records.login.view({ ...query, address: '2001:db8::7' })],
  [
    'a login at a directory that locks',
    () => records.login.viewDirectory({ source: 'corp', subject: user, address, now: NOON, since: NOON }),
  ],
  ['what happened in a customer’s network', () => records.audit.list({ address: '2001:db8::/64', limit })],
  [
    'a login by TOTP',
    () =>
      records.login.admit(
        admission(user, { kind: 'totp', enrolment: id(), step: 1, driftMs: 0 }, { address }),
      ),
  ],
  [
    'a login by recovery code',
    () => records.login.admit(admission(user, { kind: 'recovery', subject: user, hashes: ['h'] })),
  ],
  ['a login', () => records.login.admit(admission(user, { kind: 'none' }, { address }))],
  [
    'a look for a trust',
    () =>
      records.login.findTrust({
        subject: user,
        source: 'local',
        network: address,
        now: NOON,
      }),
  ],
  [
    'a login that makes a trust',
    () => records.login.admit({ ...admission(user, { kind: 'none' }, { address }), trust: trustOf(user) }),
  ],
  [
    'a login by a trust',
    () => records.login.admit(admission(user, { kind: 'trust', trust: 't', enrolment: 'e' }, { address })),
  ],
  ['the trusts of a user', () => records.trusts.list({ user, now: NOON, limit })],
  [
    'a login with an address of a pool',
    () =>
      records.login.admit({
        ...admission(user, { kind: 'none' }, { address, session: { acctSession: 'a0' } }),
        lease: { pool: 'none', staleAfterMs: 1 },
      }),
  ],
  [
    'a login of a user whose sessions are limited',
    () =>
      records.login.admit({
        ...admission(user, { kind: 'none' }, { address, session: { acctSession: 'a0' } }),
        sessionLimit: { most: 1, whenFull: 'end_oldest', per: 'user' },
      }),
  ],
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
  [
    'a further accounting record of a session with quotas',
    async () => {
      const [policy, most] = ['staff', 100]
      const quotas = (['user', 'group'] as const).map((of) =>
        inForce({ measure: 'both', most, per: '30d', of }, policy, '2026-01-15'),
      )
      await records.login.admit(admission(user, { kind: 'none' }, { session: { acctSession: 'a2' } }))
      const entry = accounting('interim', user, 'a2', { octetsIn: 500, seconds: 60 })
      await records.sessions.record(entry, { day: '2026-01-15', quotas: { [policy]: quotas } })
    },
  ],
  ['the usage of a user', () => records.usage.list({ user, from: '2026-01-01', perDay: true, limit })],
  [
    'the usage of each user',
    () => records.usage.list({ by: 'user', from: '2026-01-01', limit, after: { key: 'a' } }),
  ],
  ['the usage of each day', () => records.usage.list({ perDay: true, from: '2026-01-01', limit })],
  ['what is spent of a quota', () => records.usage.spent({ policy: 'staff', subject: user }, '2026-01-01')],
  ['what is spent of a quota of all', () => records.usage.spent({ policy: 'staff' }, '2026-01-01')],
  [
    'forgetting what is old',
    () => records.retention.prune({ audit: NOON, usage: '2026-01-15', rest: NOON }, limit),
  ],
  ['the keys in use', () => records.enrolments.keysInUse()],
  ['a local user', () => records.users.find(user)],
  ['an enrolment', () => records.enrolments.replace({ enrolment: enrolmentOf(user), recoveryHashes: ['h'] })],
  ['the authenticators of a subject', () => records.enrolments.ofSubject(user)],
  ['the recovery codes that are left', () => records.enrolments.recoveryCodesLeft(user)],
  [
    'the locks of a user',
    () => records.lockouts.list({ user, standing: { state: 'in_force', at: NOON }, limit }),
  ],
  ['the open sessions', () => records.sessions.list({ open: true, limit })],
  ['the sessions of a user', () => records.sessions.list({ user, limit })],
  ['the sessions of an address', () => records.sessions.list({ address, limit })],
  ['the sessions of a customer’s network', () => records.sessions.list({ address: '2001:db8::/64', limit })],
  ['who had an address within the VPN', () => records.sessions.list({ ip: '10.8.0.7', limit })],
  ['the ended sessions of a user', () => records.sessions.list({ user, order: 'last_ended', limit })],
  ['the open orders of a gateway', () => records.orders.open('gw1', limit)],
  ['an order to send', () => records.orders.claim('gw1', NOON, NOON)],
  ['the audit events of a user', () => records.audit.list({ user, limit })],
  ['the audit events of a kind', () => records.audit.list({ kinds: ['lockout.made'], limit })],
]

// The agents are as few as the gateways’ servers; the rest that is scanned is what indices have found before.
for (const [what, perform] of [...FREQUENT, ...deskQueries(() => records)]) {
  test(`${what} costs the same however many rows there are: every table is searched by an index`, async () => {
    asked.length = 0
    await perform()
    const statements = asked.filter(({ sql }) => /^\s*(select|insert|update|delete|with)/.test(sql))
    expect(statements.length).toBeGreaterThan(0)
    for (const { sql, parameters } of statements) {
      const plan = database.prepare(`explain query plan ${sql}`).all(...parameters)
      const scanned = plan
        .map(({ detail }) => String(detail))
        .filter((step) =>
          /^SCAN (?!\d+-ROW VALUES CLAUSE|sessions USING INDEX sessions_open|agents USING INDEX|some|locked$|p$)/.test(
            step,
          ),
        )
      expect(scanned, sql).toEqual([])
    }
  })
}
