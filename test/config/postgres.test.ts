import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configOf, faultOf, GATEWAY, load, warningsOf } from './loading.ts'

const withPostgres = (section: string) => `${GATEWAY}storage: { postgres: ${section} }\n`
const postgresOf = async (section: string) => (await configOf(withPostgres(section))).storage.postgres
const LOCAL = 'postgres://ocbroker@127.0.0.1/records'
const PEM = '-----BEGIN CERTIFICATE-----\n'

/** Loads with `postgres.url` holding this, for its owner alone. */
const withFile = (content: string, more = '') =>
  load(withPostgres(`{ url_file: postgres.url${more} }`), (folder) => {
    writeFileSync(folder.file('postgres.url'), content, { mode: 0o600 })
    writeFileSync(folder.file('ca.pem'), PEM)
  })

describe('the section storage.postgres', () => {
  test('is absent by default', async () => {
    expect((await configOf(GATEWAY)).storage.postgres).toBeUndefined()
  })

  test.each([
    [LOCAL, { host: '127.0.0.1', port: 5432, user: 'ocbroker', database: 'records' }],
    ['postgresql://u@localhost:5433/d', { host: 'localhost', port: 5433, user: 'u', database: 'd' }],
    ['postgres://a%40b@[::1]/r%20s', { host: '::1', port: 5432, user: 'a@b', database: 'r s' }],
    [
      'postgresql://ocbroker@%2Frun%2Fpg/records',
      { host: '/run/pg', port: 5432, user: 'ocbroker', database: 'records' },
    ],
    [
      'postgresql://ocbroker@%2Frun%2Fpg:5433/records?sslmode=verify-full',
      { host: '/run/pg', port: 5433, user: 'ocbroker', database: 'records' },
    ],
    [
      'postgres:///records?host=/run/postgresql&user=ocbroker',
      { host: '/run/postgresql', port: 5432, user: 'ocbroker', database: 'records' },
    ],
  ])('%s names a database', async (url, server) => {
    expect(await postgresOf(`{ url: "${url}" }`)).toEqual({ server, connections: 10, statementMs: 2000 })
  })

  test('takes the URL with its password from a file, and encrypts if it says so', async () => {
    const loaded = await withFile(
      'postgres://ocbroker:p%40ss%2Fword@db.example.org/records?sslmode=require\n',
      ', ca_file: ca.pem, pool: 3, statement_timeout: 500ms',
    )
    if (!('config' in loaded)) throw new Error(JSON.stringify(loaded.faults))
    const { postgres } = loaded.config.storage
    expect(postgres).toMatchObject({
      server: { host: 'db.example.org', database: 'records', tls: { authorities: PEM } },
      connections: 3,
      statementMs: 500,
    })
    expect(postgres?.server.password?.reveal()).toBe('p@ss/word')
    expect(JSON.stringify(loaded.config)).not.toContain('p@ss')
    expect(loaded.warnings).toEqual([])
  })

  test('encrypts by a ca_file alone', async () => {
    const loaded = await withFile('postgres://ocbroker@db.example.org/records', ', ca_file: ca.pem')
    expect(loaded).toMatchObject({ config: { storage: { postgres: { server: { tls: {} } } } }, warnings: [] })
  })

  test.each([
    ['{ url: mysql://u@h/d }', 'storage.postgres.url', 'postgres://USER@HOST:5432/DATABASE'],
    ['{ url: postgres://h/d }', 'storage.postgres.url', 'postgres://USER@HOST:5432/DATABASE'],
    ['{ url: postgres://u@h }', 'storage.postgres.url', 'postgres://USER@HOST:5432/DATABASE'],
    ['{ url: "postgres:///d?user=u" }', 'storage.postgres.url', '%2Frun%2Fpostgresql'],
    ['{ url: "postgres://u@run%2Fpg/d" }', 'storage.postgres.url', '%2Frun%2Fpostgresql'],
    [`{ url: "${LOCAL}?sslmode=on" }`, 'storage.postgres.url', 'verify-full'],
    [`{ url: "${LOCAL}?options=x" }`, 'storage.postgres.url', 'sslmode'],
    ['{ url: "postgres://u:secret@127.0.0.1/d" }', 'storage.postgres.url', 'url_file'],
    [`{ url: "${LOCAL}", url_file: f }`, 'storage.postgres', 'keep one'],
    ['{ pool: 3 }', 'storage.postgres', 'add one'],
    [`{ url: "${LOCAL}", ca_file: none.pem }`, 'storage.postgres.ca_file', undefined],
    [`{ url: "${LOCAL}", statement_timeout: 10ms }`, 'storage.postgres.statement_timeout', '100ms or more'],
    ['{ url_file: none.url }', 'storage.postgres.url_file', 'postgres://USER@HOST:5432/DATABASE'],
  ])('%s is a fault', async (section, path, suggestion) => {
    const faults = await load(withPostgres(section), (folder) => {
      writeFileSync(folder.file('f'), LOCAL, { mode: 0o600 })
    })
    const [fault, ...others] = 'faults' in faults ? faults.faults : []
    expect(others).toEqual([])
    expect(fault).toMatchObject({ path })
    if (suggestion !== undefined) expect(fault?.suggestion).toContain(suggestion)
    expect(JSON.stringify(faults)).not.toContain('secret@')
  })

  test('takes the words of libpq for TLS, or refuses them by name', async () => {
    const serverBy = async (mode: string) => {
      const loaded = await load(withPostgres(`{ url: "postgres://u@db.example.org/d?sslmode=${mode}" }`))
      return 'faults' in loaded ? loaded.faults : loaded.config.storage.postgres?.server
    }
    for (const mode of ['require', 'verify-ca', 'verify-full'])
      expect(await serverBy(mode), mode).toMatchObject({ tls: {} })
    expect(await serverBy('disable')).not.toHaveProperty('tls.authorities')
    for (const mode of ['allow', 'prefer'])
      expect(await serverBy(mode), mode).toMatchObject([
        {
          problem: expect.stringContaining(`sslmode=${mode}`),
          suggestion: expect.stringContaining('verify-full'),
        },
      ])
    expect(await withFile('postgres://u@db/d?sslmode=disable', ', ca_file: ca.pem')).toMatchObject({
      faults: [{ path: 'storage.postgres.ca_file', suggestion: expect.stringContaining('verify-full') }],
    })
  })

  test('never shows the content of the file', async () => {
    const loaded = await withFile('postgres://ocbroker:hush#hush@db/records\n')
    expect(loaded).toMatchObject({ faults: [{ path: 'storage.postgres.url_file' }] })
    expect(JSON.stringify(loaded)).not.toContain('hush')
  })

  test('warns of another machine without TLS, of a time-out past the deadline, and of an unused file', async () => {
    expect(await warningsOf(withPostgres('{ url: postgres://u@db.example.org/d }'))).toMatchObject([
      { path: 'storage.postgres.url', suggestion: expect.stringContaining('verify-full') },
    ])
    expect(await warningsOf(withPostgres(`{ url: "${LOCAL}", statement_timeout: 5s }`))).toMatchObject([
      { path: 'storage.postgres.statement_timeout' },
    ])
    expect(
      await warningsOf(`${GATEWAY}storage: { sqlite: a.db, postgres: { url: "${LOCAL}" } }`),
    ).toMatchObject([{ path: 'storage.sqlite' }])
    expect(await warningsOf(withPostgres(`{ url: "${LOCAL}" }`))).toEqual([])
  })

  test('keeps for days: an hour is a fault', async () => {
    expect(await faultOf(`${GATEWAY}storage: { keep: 1h }`)).toMatchObject({ path: 'storage.keep' })
    expect(await configOf(`${GATEWAY}storage: { keep: 30d, keep_audit: 900d }`)).toMatchObject({
      storage: { keepMs: 30 * 86_400_000, keepAuditMs: 900 * 86_400_000 },
    })
  })
})
