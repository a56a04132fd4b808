import { beforeEach, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { type Repositories, sqlRepositories } from '../../src/store/repositories.ts'
import { type OpenDatabase, openForWriting } from '../../src/store/sqlite/database.ts'
import { commitTogether } from '../../src/store/sqlite/group-commit.ts'
import { admission, enrolmentOf, eventOf, unique } from './samples.ts'

describe('a group of writes', () => {
  let store: OpenDatabase
  let records: Repositories
  beforeEach(async () => {
    store = await openForWriting({ path: ':memory:', readOnly: false, busyMs: 100 })
    records = sqlRepositories(store.db, { random: systemRandom })
  })
  const kinds = async (writes: readonly (() => Promise<unknown>)[]) =>
    (await commitTogether(store, writes)).map(({ kind }) => kind)

  test('loses the write that fails and no other', async () => {
    const user = unique('user')
    const enrolment = enrolmentOf(user)
    await records.enrolments.replace({ enrolment, recoveryHashes: [] })
    const [before, failing, after] = [1, 2, 3].map((step) =>
      admission(user, { kind: 'totp', enrolment: enrolment.id, step, driftMs: 0 }),
    )
    if (before === undefined || failing === undefined || after === undefined)
      throw new Error('three were made')
    const { admit } = { admit: (entry: typeof before) => () => records.login.admit(entry) }
    // The event is written last: by then the code is spent and the session open.
    const answers = await kinds([admit(before), admit({ ...failing, event: before.event })])
    expect(answers).toEqual(['done', 'failed'])
    expect((await records.enrolments.ofSubject(user))[0]?.lastStep).toBe(1)
    expect(await records.sessions.list({ user, limit: 9 })).toEqual([before.session])
    expect(await kinds([admit({ ...failing, event: before.event }), admit(after)])).toEqual([
      'failed',
      'done',
    ])
    expect((await records.enrolments.ofSubject(user))[0]?.lastStep).toBe(3)
    expect(await records.sessions.list({ user, limit: 9 })).toEqual([after.session, before.session])
  })

  test('that cannot be committed has failed as a whole, and the next one works', async () => {
    const user = unique('user')
    const orphan = async () => {
      // A check that SQLite puts off until the commit, which then fails.
      store.database.exec('pragma defer_foreign_keys = on')
      store.database.exec(
        "insert into user_groups (user_name, group_name, position) values ('nobody', 'g', 0)",
      )
    }
    const append = () => records.audit.append(eventOf(user))
    const outcomes = await commitTogether(store, [append, orphan, append])
    expect(outcomes).toHaveLength(3)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ kind: 'failed', error: { name: 'Unavailable', what: 'storage' } })
    }
    expect(await records.audit.list({ user, limit: 9 })).toEqual([])
    expect(await kinds([append])).toEqual(['done'])
    expect(await records.audit.list({ user, limit: 9 })).toHaveLength(1)
  })

  test('that SQLite gives up in the middle has failed as a whole, and the next one works', async () => {
    const user = unique('user')
    const { database } = store
    const append = (detail: string) => () => records.audit.append(eventOf(user, { detail }))
    const pages = database.prepare('pragma page_count').get()?.page_count
    database.exec(`pragma max_page_count = ${pages}`)
    const writes = [append('small'), append('x'.repeat(1_000_000)), append('small')]
    const outcomes = await commitTogether(store, writes)
    expect(outcomes.some(({ kind }) => kind === 'failed')).toBe(true)
    for (const outcome of outcomes) {
      if (outcome.kind === 'failed')
        expect(outcome.error).toMatchObject({ name: 'Unavailable', what: 'storage' })
    }
    const done = outcomes.filter(({ kind }) => kind === 'done')
    expect(await records.audit.list({ user, limit: 9 })).toHaveLength(done.length)
    database.exec('pragma max_page_count = 1000000')
    expect(await kinds([append('small'), append('x'.repeat(1_000_000))])).toEqual(['done', 'done'])
    expect(await records.audit.list({ user, limit: 9 })).toHaveLength(done.length + 2)
  })

  test('never runs outside of a transaction after one of its writes has ended it', async () => {
    const user = unique('user')
    const giveUp = async () => {
      // What SQLite does by itself when the disk is full.
      store.database.exec('rollback')
      throw new Error('disk full')
    }
    const append = () => records.audit.append(eventOf(user))
    expect(await kinds([append, giveUp, append])).toEqual(['failed', 'failed', 'failed'])
    expect(await records.audit.list({ user, limit: 9 })).toEqual([])
  })
})
