import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'

interface Finding {
  readonly about: string
  readonly verdict: string
  readonly cause: string
}

async function findingsOf(broker: Installation): Promise<readonly Finding[]> {
  const { code, stdout } = await broker.run(['doctor', '--json'])
  expect(code).toBe(1)
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
}

/** What `serve` writes when it does not come up: the cause, and no line of the code. */
async function refusalOf(broker: Installation): Promise<string> {
  const { code, stderr } = await broker.run(['serve'])
  expect(code).toBe(1)
  expect(stderr).not.toMatch(/^\s+at |Unavailable:/m)
  return stderr
}

describe('a database that is none', () => {
  test('is a finding beside the others, and a plain error where the broker starts', async () => {
    const broker = await install()
    onTestFinished(broker.remove)
    await broker.ocbroker(['user', 'list'])
    writeFileSync(broker.database, 'no database, but long enough to be looked at as if it were one')
    const findings = await findingsOf(broker)
    const says = expect.stringContaining('is not an SQLite database')
    const lost = { id: 'storage', about: 'storage', verdict: 'fault', cause: says }
    expect(findings).toContainEqual(expect.objectContaining(lost))
    expect(findings.map(({ about }) => about)).toEqual(
      expect.arrayContaining(['authentication port', 'accounting port', expect.stringMatching(/^disk of /)]),
    )
    expect(await refusalOf(broker)).toContain('is not an SQLite database')
  })
})

describeWith(POSTGRES_NEEDS, 'a PostgreSQL', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const installed = async (url: string) => {
    const policies = [{ name: 'all', reply: { pool: 'staff' } }]
    const sections = { pools: { staff: { ipv4: '10.8.0.0/29' } }, policies }
    const broker = await installOnPostgres({ url, sections })
    onTestFinished(broker.remove)
    return broker
  }

  test('that takes no connection is a finding beside the others, and a plain error', async () => {
    const broker = await installed('postgres://nobody:nothing@127.0.0.1:9/none')
    const findings = await findingsOf(broker)
    expect(findings).toContainEqual(expect.objectContaining({ about: 'storage', verdict: 'fault' }))
    expect(findings.length).toBeGreaterThan(3)
    expect(await refusalOf(broker)).toMatch(/127\.0\.0\.1/)
  })

  test('that only reads is a plain error where the broker starts, though it could be opened', async () => {
    const url = await server.newDatabase()
    const broker = await installed(url)
    await broker.ocbroker(['user', 'list'])
    const name = new URL(url).pathname.slice(1)
    await server.ask(`alter database "${name}" set default_transaction_read_only = on`)
    expect(await refusalOf(broker)).toMatch(/read-only/)
  })
})
