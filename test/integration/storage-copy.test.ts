import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Repositories } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { TABLES } from '../../src/store/tables.ts'
import { type Installation, install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { fill } from '../store/fill.ts'
import { opening } from '../store/postgres.ts'
import { admission, eventOf, unique, userNamed } from '../store/samples.ts'

interface Copied {
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly digest: string }[]
}

describeWith(POSTGRES_NEEDS, 'ocbroker storage copy', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  /** With its records in a file, and `there.yaml`, which names an empty database of PostgreSQL. */
  let here: Installation
  let url: string
  beforeEach(async () => {
    here = await install()
    onTestFinished(here.remove)
    url = await server.newDatabase()
    writeFileSync(here.folder.file('postgres.url'), url, { mode: 0o600 })
    const config = JSON.parse(readFileSync(here.configFile, 'utf8'))
    const storage = { postgres: { url_file: 'postgres.url' }, key_file: 'seed.key' }
    writeFileSync(here.folder.file('there.yaml'), JSON.stringify({ ...config, storage }), { mode: 0o600 })
    writeFileSync(here.keyFile, `k1:${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 })
  })
  const there = () => here.folder.file('there.yaml')
  const copy = (...args: string[]) => here.ocbroker(['storage', 'copy', ...args]) as Promise<Copied>
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await here.run(['storage', 'copy', ...args])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    return stderr
  }
  const inFile = async (path: string, use: (records: Repositories) => Promise<void>) => {
    const store = await openSqlite({ path, serves: false })
    await use(store.records).finally(store.close)
  }
  const inPostgres = async <T>(use: (records: Repositories) => Promise<T>): Promise<T> => {
    const store = await opening(url)
    return use(store.records).finally(store.close)
  }
  const rowsThere = async () => {
    let rows = 0
    for (const table of Object.keys(TABLES)) {
      const [count] = await server.ask(
        `select count(*)::int as rows from ${table}`,
        new URL(url).pathname.slice(1),
      )
      rows += Number(count?.rows)
    }
    return rows
  }

  describe('moves everything', () => {
    test('from a file to PostgreSQL and back, and leaves the source as it was', async () => {
      await inFile(here.database, fill)
      const before = readFileSync(here.database)
      const { stdout, stderr } = await here.run(['storage', 'copy', '--to', there(), '--json'])
      const moved: Copied = JSON.parse(stdout)
      const all = moved.tables.reduce((sum, { rows }) => sum + rows, 0)
      expect(stderr).toContain(`copying rows: ${all} of ${all}\n`)
      expect(stderr).toContain(`comparing rows: ${all} of ${all}\n`)
      expect(readFileSync(here.database).equals(before)).toBe(true)
      expect(moved.tables.map(({ table }) => table)).toEqual(Object.keys(TABLES))
      const empty = moved.tables.filter(({ rows }) => rows === 0).map(({ table }) => table)
      expect(empty).toEqual(['invitations'])
      expect(moved.tables.find(({ table }) => table === 'recovery_codes')?.rows).toBe(700)

      const back = here.folder.file('back.db')
      const returned = await copy('--from', there(), '--to', back)
      expect(returned.tables).toEqual(moved.tables)
      const again = await copy('--from', back, '--to', here.folder.file('again.db'))
      expect(again.tables).toEqual(moved.tables)
    })

    test('so that a broker goes on there: users log in, and their codes stay spent', async () => {
      await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
      const enrolment = async (records: Repositories) =>
        (await records.enrolments.ofSubject('alice'))[0]?.id ?? ''
      const claim = (id: string) =>
        admission('alice', { kind: 'totp', enrolment: id, step: 100, driftMs: 0 }, { address: '192.0.2.1' })
      await inFile(here.database, async (records) => {
        expect(await records.login.admit(claim(await enrolment(records)))).toEqual({ kind: 'admitted' })
      })
      await copy('--to', there())
      await inPostgres(async (records) => {
        expect(await records.login.admit(claim(await enrolment(records)))).toEqual({ kind: 'code_used' })
        expect((await records.users.find('alice'))?.passwordHash).toMatch(/^\$argon2id/)
      })
    })

    test('as it was at one moment, while a broker writes on', async () => {
      await inFile(here.database, fill)
      const store = await openSqlite({ path: here.database })
      let isOver = false
      const writing = (async () => {
        let logins = 0
        while (!isOver) {
          await store.records.login.admit(admission(unique('user'), { kind: 'none' }))
          logins++
        }
        return logins
      })()
      await copy('--to', there())
      isOver = true
      expect(await writing).toBeGreaterThan(10)
      await store.close()
      // Each of these logins is a session and an event.
      const [counts] = await server.ask(
        `select (select count(*) from audit_events where kind = 'login.accepted')::int as events,
                (select count(*) from sessions where granted_at is not null)::int as sessions`,
        new URL(url).pathname.slice(1),
      )
      expect(counts?.sessions).toBe(counts?.events)
    })
  })

  describe('is refused, and changes nothing,', () => {
    test('where the target is not empty, unless it may be replaced', async () => {
      await inFile(here.database, fill)
      await inPostgres(async (records) => {
        await records.users.add(userNamed('somebody', { groups: ['staff'] }))
      })
      expect(await refused('--to', there())).toMatch(
        /is not empty \(there is something in users\).* --replace/,
      )
      expect(await rowsThere()).toBe(2)
      const moved = await copy('--to', there(), '--replace')
      expect(await rowsThere()).toBe(moved.tables.reduce((sum, { rows }) => sum + rows, 0))
    })

    test('where the keys of the target do not open what would be there', async () => {
      await inFile(here.database, fill)
      writeFileSync(here.keyFile, `k2:${Buffer.alloc(32, 2).toString('base64')}\n`)
      expect(await refused('--to', there())).toContain('lacks what sealed authenticators in the database')
    })

    test('where the source is missing, no database, or of another version', async () => {
      const missing = here.folder.file('missing.db')
      expect(await refused('--from', missing, '--to', there())).toContain(`${missing} cannot be written`)
      writeFileSync(missing, 'no database, but long enough to be looked at as one')
      expect(await refused('--from', missing, '--to', there())).toContain('is damaged')
      await inFile(here.database, async () => {})
      const old = here.folder.file('old.db')
      copyFileSync(here.database, old)
      const database = new DatabaseSync(old)
      database.exec("delete from ocbroker_migration where name = '0006-customer-networks'")
      database.close()
      expect(await refused('--from', old, '--to', there())).toContain('of an older version of ocbroker')
      expect(await refused('--from', here.database, '--to', here.configFile)).toContain('the same database')
      expect(await refused()).toContain('--to FILE')
    })

    test('where the copy differs from the source', async () => {
      await inFile(here.database, fill)
      await inPostgres(async () => {})
      await server.ask(
        `create function spoil() returns trigger language plpgsql as $$ begin new.detail = 'x'; return new; end $$;
         create trigger spoil before insert on audit_events for each row when (new.detail = 'plain') execute function spoil()`,
        new URL(url).pathname.slice(1),
      )
      expect(await refused('--to', there())).toMatch(
        /^audit_events in .* is not what was read from .* digest/m,
      )
      expect(await rowsThere()).toBe(0)
    })
  })

  test('leaves an empty target when it is killed on its way, and can be done again', async () => {
    await inFile(here.database, async (records) => {
      await fill(records)
      for (let round = 0; round < 10; round++) {
        await Promise.all(Array.from({ length: 2000 }, () => records.audit.append(eventOf(unique('user')))))
      }
    })
    const database = new URL(url).pathname.slice(1)
    const isWriting = `select 1 from pg_stat_activity where datname = '${database}' and query like 'insert into "audit%'`
    const file = here.folder.file('target.db')
    const targets = [
      { to: there(), isOnItsWay: async () => (await server.ask(isWriting)).length > 0 },
      // Nearly all of it is written by the commit, at the end of the copying.
      { to: file, isOnItsWay: async (output: string) => /copying rows: [1-9]/.test(output) },
    ]
    for (const { to, isOnItsWay } of targets) {
      const running = here.start(['storage', 'copy', '--to', to])
      await expect.poll(() => isOnItsWay(running.output()), { interval: 5, timeout: 20_000 }).toBe(true)
      await running.stop({ signal: 'SIGKILL' })
      expect((await running.finished).signal).toBe('SIGKILL')
    }
    await expect.poll(rowsThere).toBe(0)
    await inFile(file, async ({ users, audit }) => {
      expect(await users.list({ limit: 1 })).toEqual([])
      expect(await audit.list({ limit: 1 })).toEqual([])
    })
    const again = await copy('--to', there())
    expect((await copy('--to', file)).tables).toEqual(again.tables)
    expect(again.tables.find(({ table }) => table === 'audit_events')?.rows).toBeGreaterThan(21_000)
  })
})
