import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { LogFields } from '../../src/domain/log.ts'
import { Secret } from '../../src/domain/secret.ts'
import { migrations } from '../../src/store/migrations/all.ts'
import type { PostgresOptions } from '../../src/store/postgres/open.ts'
import type { OpenStore } from '../../src/store/repositories.ts'
import { makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { opening, serverOf } from '../store/postgres.ts'
import { admission, eventOf, failureOf, NOON, unique, userNamed } from '../store/samples.ts'

describeWith([...POSTGRES_NEEDS, 'openssl'], 'records in PostgreSQL', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  let authority: string
  beforeAll(async () => {
    const folder = temporaryFolder('certificates')
    resources.defer(folder.remove)
    const { authorityPem, certificate, key } = await makeCertificates(folder)
    authority = authorityPem
    const tls = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    server = await startPostgres({ tls })
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  const open = async (url: string, more: Partial<PostgresOptions> = {}): Promise<OpenStore> => {
    const store = await opening(url, more)
    onTestFinished(store.close)
    return store
  }
  const nameOf = (url: string) => new URL(url).pathname.slice(1)
  const tablesOf = async (url: string) =>
    (await server.ask("select tablename from pg_tables where schemaname = 'public'", nameOf(url))).map(
      ({ tablename }) => tablename,
    )

  describe('are made', () => {
    test('once, by one of many brokers that start at the same moment', async () => {
      const url = await server.newDatabase()
      const stores = await Promise.all(Array.from({ length: 10 }, () => open(url, { connections: 2 })))
      const run = await server.ask('select name from ocbroker_migration order by name', nameOf(url))
      expect(run.map(({ name }) => name)).toEqual(Object.keys(migrations))
      await Promise.all(stores.map((store) => store.checkReady()))
    })

    test('beside the tables of another program that uses the same library', async () => {
      const url = await server.newDatabase()
      await server.ask(
        "create table kysely_migration (name text); insert into kysely_migration values ('theirs')",
        nameOf(url),
      )
      await (await open(url)).checkReady()
    })
  })

  describe('are refused in words, and left as they are,', () => {
    const refusal = async (url: string, more: Partial<PostgresOptions> = {}) => {
      const error = await opening(url, more).then(
        (store) => store.close(),
        (reason: Error) => reason,
      )
      if (!(error instanceof Error)) throw new Error('it was taken')
      expect(error.message).not.toContain(new URL(url).password)
      return error.message
    }

    test('where a newer version wrote them', async () => {
      const url = await server.newDatabase()
      await (await opening(url)).close()
      await server.ask(
        "insert into ocbroker_migration (name, timestamp) values ('0099-future', '2030')",
        nameOf(url),
      )
      const before = await tablesOf(url)
      expect(await refusal(url)).toContain(
        'was written by a newer version of ocbroker (it has "0099-future")',
      )
      expect(await tablesOf(url)).toEqual(before)
    })

    test('where another program has tables of those names', async () => {
      const url = await server.newDatabase()
      await server.ask('create table sessions (whatever int)', nameOf(url))
      expect(await refusal(url)).toContain('holds tables of another program (sessions)')
      expect(await tablesOf(url)).toEqual(['sessions'])
    })

    test('where the encoding is not UTF-8', async () => {
      await server.ask(
        "create database latin owner ocbroker encoding 'LATIN1' locale 'C' locale_provider libc template template0",
      )
      const url = (await server.newDatabase()).replace(/\/\w+$/, '/latin')
      expect(await refusal(url)).toContain('has the encoding LATIN1; make one by: createdb --encoding=UTF8')
    })

    test('where the user may not make tables', async () => {
      const url = await server.newDatabase()
      await server.ask(`alter database ${nameOf(url)} owner to postgres`)
      expect(await refusal(url)).toMatch(/cannot be used .*permission denied.* make tables there/)
    })

    test('where the password is wrong, the database missing, and nobody listening', async () => {
      const url = await server.newDatabase()
      const here = serverOf(url)
      const wrong = { ...here, password: new Secret('not-the-password') }
      expect(await refusal(url, { server: wrong })).toContain('password authentication failed')
      expect(await refusal(`${url}x`)).toMatch(/database "records\d+x" does not exist/)
      const port = await freePort()
      expect(await refusal(url, { server: { ...here, port } })).toMatch(
        /ECONNREFUSED.*See that PostgreSQL runs/,
      )
    })
  })

  test('are warned of where the server may forget what it has acknowledged', async () => {
    const url = await server.newDatabase()
    const lines: [string, LogFields | undefined][] = []
    const write = (event: string, fields?: LogFields) => void lines.push([event, fields])
    const log = { debug: write, info: write, warn: write, error: write }
    await open(url, { log })
    expect(lines).toEqual([])
    await server.ask(`alter database ${nameOf(url)} set synchronous_commit = off`)
    await open(url, { log })
    expect(lines).toMatchObject([['postgres.not_durable', { off: ['synchronous_commit'] }]])
  })

  describe('over TLS', () => {
    const overTls = async (host: string, authorities?: string) => {
      const url = await server.newDatabase()
      return opening(url, {
        server: { ...serverOf(url), host, tls: { authorities } },
      })
    }

    test('are encrypted', async () => {
      const store = await overTls('localhost', authority)
      onTestFinished(store.close)
      await store.checkReady()
      const rows = await server.ask(
        "select bool_and(ssl) as all from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null and usename = 'ocbroker' and datname = (select max(datname) from pg_stat_activity where usename = 'ocbroker')",
      )
      expect(rows).toEqual([{ all: true }])
    })

    test('accept only a certificate for the host that was named', async () => {
      // The certificate is for localhost.
      await expect(overTls('127.0.0.1', authority)).rejects.toThrow(
        /IP: 127\.0\.0\.1 is not in the cert's list/,
      )
    })

    test('accept no certificate of an authority that was not named', async () => {
      await expect(overTls('localhost')).rejects.toThrow(/unable to (verify|get)|self-signed/)
    })
  })

  describe('while others change them', () => {
    test('are read on when a newer broker adds a column', async () => {
      const url = await server.newDatabase()
      const { records } = await open(url, { connections: 2 })
      const user = unique('user')
      await records.users.add(userNamed(user, { groups: ['staff'] }))
      // Every connection has the statement prepared by then.
      for (let round = 0; round < 10; round++) {
        await Promise.all([records.users.find(user), records.users.find(user)])
      }
      await server.ask('alter table users add column later text', nameOf(url))
      expect(await records.users.find(user)).toMatchObject({ name: user, groups: ['staff'] })
      expect(await records.login.view({ user, subjects: [user], now: NOON })).toMatchObject({ locks: [] })
    })

    test('are pruned by one broker at a time', async () => {
      const url = await server.newDatabase()
      const { records } = await open(url)
      const old = { audit: NOON + 1, usage: '', rest: NOON + 1 }
      await records.audit.append(eventOf(unique('user')))
      // A transaction that holds the lock, as the other broker's would.
      const busy = server.ask(
        `begin; select pg_try_advisory_xact_lock(${0x4f434252_5052554en}); select pg_sleep(1); commit`,
        nameOf(url),
      )
      await expect
        .poll(async () => (await server.ask("select 1 from pg_locks where locktype = 'advisory'")).length)
        .toBeGreaterThan(0)
      expect(await records.retention.prune(old, 10)).toBe(0)
      await busy
      expect(await records.retention.prune(old, 10)).toBe(1)
    })

    test('make a call that was ended by a deadlock run again', async () => {
      const url = await server.newDatabase()
      const { records } = await open(url)
      const user = unique('user')
      await records.login.recordFailure(failureOf(user, { lock: ['user'] }))
      // A release holds the lockout and then wants the count of failures; the stranger does it the other way round.
      const stranger = server.ask(
        `begin; update login_failures set failed_at = failed_at; select pg_sleep(0.5);
         update lockouts set reason = reason; commit`,
        nameOf(url),
      )
      await expect
        .poll(
          async () =>
            (await server.ask("select 1 from pg_stat_activity where query like '%pg_sleep(0.5)%'")).length,
        )
        .toBeGreaterThan(1)
      expect(await records.lockouts.releaseUser(user, 'alice', 'called', NOON)).toHaveLength(1)
      await stranger
      const deadlocks = () =>
        server.ask(`select deadlocks > 0 as met from pg_stat_database where datname = '${nameOf(url)}'`)
      await expect.poll(deadlocks, { timeout: 5000 }).toEqual([{ met: true }])
    })

    test('answer a login within the time-out where somebody else holds what it needs', async () => {
      const url = await server.newDatabase()
      const { records } = await open(url, { statementMs: 600 })
      const user = unique('user')
      const busy = server.ask('begin; lock table audit_events; select pg_sleep(2); commit', nameOf(url))
      await expect
        .poll(
          async () => (await server.ask("select 1 from pg_locks where mode = 'AccessExclusiveLock'")).length,
        )
        .toBeGreaterThan(0)
      const startedAt = performance.now()
      await expect(records.login.admit(admission(user, { kind: 'none' }))).rejects.toMatchObject({
        name: 'Unavailable',
        what: 'storage',
        message: expect.stringContaining('lock timeout'),
      })
      expect(performance.now() - startedAt).toBeLessThan(1000)
      // One that waits for a lock is no server that hangs: others are answered meanwhile.
      expect(await records.users.find(user)).toBeUndefined()
      await busy
    })
  })
})
