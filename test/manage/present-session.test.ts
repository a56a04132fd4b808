import { describe, expect, onTestFinished, test } from 'vitest'
import type { Candidate, IdentityProvider } from '../../src/domain/identity-provider.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type LocalUser, recordVersionOf } from '../../src/domain/user.ts'
import type { WebSession } from '../../src/domain/web-session.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { localIdentity } from '../../src/identity/local/provider.ts'
import { presentSession } from '../../src/manage/present-session.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openInMemory } from '../store/in-memory.ts'

const NOON = Date.UTC(2026, 0, 15, 12)
const hashes = new PasswordHashes({ parallel: 2, waiting: 100 })

async function fixture() {
  const { database, db } = await openInMemory()
  onTestFinished(() => database.close())
  const { users } = sqlRepositories(db, { random: systemRandom })
  // Hours behind the machine that makes the changes: no clock may matter.
  const time = { now: NOON }
  const clock = { now: () => time.now, monotonic: () => 0 }
  const local = localIdentity({ users, hashes, clock, checkReady: async () => {} })
  const alice: LocalUser = {
    ...{ name: 'alice', enabled: true, passwordHash: 'old', groups: ['admins'], attributes: {} },
    createdAt: NOON + 3_600_000,
  }
  await users.add(alice)
  const stores: IdentityProvider[] = [local]
  const candidates = (): Candidate[] =>
    stores.map((store) => ({ store, name: 'alice', subject: 'alice', mayBeMissing: false }))
  const rechecked = { groupsOf: () => expect.unreachable('a record says it') }
  const presentWhere = (enrolsByPassword: boolean) => {
    const present = presentSession({ candidates, rechecked, clock, patienceMs: 1000, enrolsByPassword })
    return (session: WebSession) => present(session, 'write')
  }
  const [present, presentByInvitation] = [presentWhere(true), presentWhere(false)]
  const session: WebSession = {
    ...{ stage: 'in', user: 'alice', typed: 'alice', subject: 'alice', factors: 2 },
    ...{ source: 'local', record: recordVersionOf(alice), groups: ['admins'] },
    ...{ createdAt: NOON, seenAt: NOON },
  }
  return { users, alice, session, present, presentByInvitation, stores, time }
}

describe('a browser session of a local user', () => {
  test.each<[string, (of: Awaited<ReturnType<typeof fixture>>) => Promise<unknown>]>([
    ['disabled', ({ users }) => users.change('alice', { enabled: false })],
    ['given a new password', ({ users }) => users.change('alice', { passwordHash: 'new' })],
    ['given the same password', ({ users }) => users.change('alice', { passwordHash: 'old' })],
    ['given an end', ({ users }) => users.change('alice', { expiresAt: NOON })],
    ['removed', ({ users }) => users.remove('alice')],
    [
      'disabled and enabled again',
      async ({ users }) => {
        await users.change('alice', { enabled: false })
        await users.change('alice', { enabled: true })
      },
    ],
    [
      'removed and added again',
      async ({ users, alice }) => {
        await users.remove('alice')
        await users.add({ ...alice, createdAt: alice.createdAt + 1 })
      },
    ],
    ['taken out of the stores', async ({ stores }) => stores.splice(0)],
  ])('is over once the user is %s', async (_what, change) => {
    for (const stage of ['in', 'enrol'] as const) {
      const made = await fixture()
      const session = { ...made.session, stage }
      expect(await made.present(session)).toEqual(session)
      await change(made)
      expect(await made.present(session)).toBeUndefined()
    }
  })

  test('has the groups that the user has now', async () => {
    const { users, session, present } = await fixture()
    await users.change('alice', { groups: ['staff'] })
    expect(await present(session)).toEqual({ ...session, groups: ['staff'] })
  })

  test('goes on over a new hash of the same password', async () => {
    const { users, session, present } = await fixture()
    expect(await users.renewPasswordHash('alice', 'old', 'argon2id')).toBe(true)
    expect(await present(session)).toEqual(session)
  })

  test('is over at the time that was set as the end', async () => {
    const { users, session, present, time } = await fixture()
    await users.change('alice', { expiresAt: NOON + 1000 })
    expect(await present(session)).toBeDefined()
    time.now += 1000
    expect(await present(session)).toBeUndefined()
  })

  test('is over where the name has come to mean another user, though the record reads the same', async () => {
    const { session, present } = await fixture()
    expect(await present(session)).toBeDefined()
    expect(await present({ ...session, subject: 'alice@a.example' })).toBeUndefined()
  })

  test('is nothing without the store that confirmed the user', async () => {
    const { session, present } = await fixture()
    const { source: _source, ...without } = session
    expect(await present(without)).toBeUndefined()
  })
})

test('an enrolment ticket ends when its user is disabled, and needs no record', async () => {
  const { users, session, present, stores } = await fixture()
  const { source: _source, record: _record, ...rest } = session
  const ticket: WebSession = {
    ...rest,
    stage: 'enrol',
    factors: 1,
    groups: [],
    notes: { ticket: 'invitation' },
  }
  expect(await present(ticket)).toEqual(ticket)
  await users.change('alice', { enabled: false })
  expect(await present(ticket)).toBeUndefined()
  stores.splice(0)
  expect(await present(ticket)).toEqual(ticket)
})

test('an enrolment that a password alone began ends where the configuration wants an invitation', async () => {
  const { session, presentByInvitation } = await fixture()
  const enrolling: WebSession = { ...session, stage: 'enrol', factors: 1 }
  expect(await presentByInvitation(enrolling)).toBeUndefined()
  expect(await presentByInvitation({ ...enrolling, notes: { ticket: 'login' } })).toBeUndefined()
  const invited = { ...enrolling, notes: { ticket: 'invitation' } }
  expect(await presentByInvitation(invited)).toEqual(invited)
  expect(await presentByInvitation(session)).toEqual(session)
})
