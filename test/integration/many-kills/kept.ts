import { expect } from 'vitest'
import { loadKeyRing } from '../../../src/config/key-file.ts'
import { recoveryCodeHash } from '../../../src/domain/enrolment.ts'
import { systemRandom } from '../../../src/domain/random.ts'
import { seedAsBase32 } from '../../../src/domain/totp.ts'
import type { Acknowledged } from './acknowledged.ts'
import { INNOCENT_ADDRESS } from './load.ts'
import type { Site } from './site.ts'

type Row = Readonly<Record<string, unknown>>

/** Checks that the records hold what was acknowledged. @param anybody a user who logs in again and again without a code. */
export async function expectKept(
  { records, brokers }: Site,
  acknowledged: Acknowledged,
  anybody: string,
): Promise<void> {
  const column = async (sql: string): Promise<string[]> =>
    (await records(sql)).map((row) => String(Object.values(row)[0]))

  // A login is one transaction, also one that no client learnt of: a session, an event and a spent step, or none.
  const granted = await column('select user_name from sessions where granted_at is not null order by id')
  const events = await column("select user_name from audit_events where kind = 'login.accepted'")
  expect(granted.toSorted()).toEqual(events.toSorted())
  const withCode = granted.filter((user) => user !== anybody)
  expect(withCode, 'each used one code').toHaveLength(new Set(withCode).size)
  expect(withCode).toEqual(expect.arrayContaining([...acknowledged.accepted.keys()]))
  const spent = await column('select subject from enrolments where last_step > 0')
  expect(spent).toEqual(expect.arrayContaining(withCode))

  const guesses = await records(
    "select user_name, count(*)::int as failures from audit_events where reason = 'bad_credentials' or reason = 'wrong_code' group by user_name",
  )
  const noted = new Map(guesses.map(({ user_name, failures }) => [user_name, Number(failures)]))
  for (const [user, failures] of acknowledged.failures)
    expect(noted.get(user), `failures of ${user}`).toBeGreaterThanOrEqual(failures)

  expectLeases(await records('select address, subject from leases where session is not null'), acknowledged)
  await expectLocks(column, acknowledged)
  await expectEnrolments(column, acknowledged, brokers[0].installation.keyFile)
  expectSessions(await records('select * from sessions where acct_session is not null'), acknowledged)
}

/** A user with an acknowledged address has it in the records, and nobody whose Stop was answered has one. */
function expectLeases(rows: readonly Row[], { holders, accounted }: Acknowledged): void {
  const held = new Map(rows.map(({ address, subject }) => [address, subject]))
  for (const [address, user] of holders) expect(held.get(address), `the address of ${user}`).toBe(user)
  const left = new Set([...accounted.values()].filter(({ stopped }) => stopped).map(({ user }) => user))
  expect(rows.filter(({ subject }) => left.has(String(subject)))).toEqual([])
}

async function expectLocks(
  column: (sql: string) => Promise<string[]>,
  acknowledged: Acknowledged,
): Promise<void> {
  expect(await column('select user_stem from lockouts')).toEqual(
    expect.arrayContaining([...acknowledged.locked]),
  )
  expect(await column("select user_name from audit_events where kind = 'lockout.made'")).toEqual(
    expect.arrayContaining([...acknowledged.locked]),
  )
  expect(await column('select id from lockouts where released_at is not null')).toEqual(
    expect.arrayContaining([...acknowledged.released]),
  )
  const releases = await column("select id from audit_events where kind = 'lockout.released'")
  expect(releases.length).toBeGreaterThanOrEqual(acknowledged.released.size)
  // A user who was always right was never locked, whatever was away when they logged in.
  expect(await column(`select reason from lockouts where address = '${INNOCENT_ADDRESS}'`)).toEqual([])
  expect(
    await column("select scope from lockouts where cause = 'failures' and scope != 'user_address'"),
  ).toEqual([])
}

async function expectEnrolments(
  column: (sql: string) => Promise<string[]>,
  acknowledged: Acknowledged,
  keyFile: string,
): Promise<void> {
  const keys = await loadKeyRing(keyFile, systemRandom)
  const made = await column("select user_name from audit_events where kind = 'enrolment.made'")
  expect(made).toEqual(expect.arrayContaining([...acknowledged.enrolled.keys()]))
  for (const [subject, { key, recoveryCodes }] of acknowledged.enrolled) {
    const [sealed = ''] = await column(`select sealed_seed from enrolments where subject = '${subject}'`)
    expect(seedAsBase32(keys.open(sealed, subject))).toBe(key)
    const hashes = await column(`select hash from recovery_codes where subject = '${subject}'`)
    expect(hashes.toSorted()).toEqual(recoveryCodes.map((code) => recoveryCodeHash(subject, code)).toSorted())
  }
}

/** A user has one session; two mean that it was counted twice. */
function expectSessions(rows: readonly Row[], acknowledged: Acknowledged): void {
  const users = rows.map((row) => row.user_name)
  expect(users).toHaveLength(new Set(users).size)
  const bySession = new Map(rows.map((row) => [row.acct_session, row]))
  for (const [session, { user, started, stopped, seconds }] of acknowledged.accounted) {
    const row = bySession.get(session)
    if (!started && !stopped && seconds === 0) continue
    expect(row, `the session of ${user}`).toMatchObject({ user_name: user })
    expect(row?.granted_at, `${user} is tied to a login`).not.toBeNull()
    if (started) expect(row?.started_at, `the Start of ${user}`).not.toBeNull()
    if (stopped) expect(row?.stopped_at, `the Stop of ${user}`).not.toBeNull()
    expect(Number(row?.seconds)).toBeGreaterThanOrEqual(seconds)
  }
}
