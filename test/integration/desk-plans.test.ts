import { CompiledQuery, Kysely } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { prepareDatabase } from '../../src/store/postgres/database.ts'
import { RecordsDialect } from '../../src/store/postgres/dialect.ts'
import { ConnectionPool } from '../../src/store/postgres/pool.ts'
import { type Repositories, sqlRepositories } from '../../src/store/repositories.ts'
import type { Tables } from '../../src/store/schema.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { deskQueries } from '../store/desk-queries.ts'
import { serverOf } from '../store/postgres.ts'

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

const GROWING = ['audit_events', 'lockouts', 'sessions']

/** Enough for the planner to tell a few rows from all. */
const ROWS = [
  `insert into audit_events (id, at, kind, user_name, address, network, gateway)
     select 'e' || n, n, 'login.refused', 'u' || n % 500, '10.0.0.' || n % 250, '10.0.0.0/24', 'gw1'
     from generate_series(1, 5000) as n`,
  `insert into lockouts (id, scope, cause, user_stem, address, hint, reason, since, ends_at)
     select 'l' || n, 'user_address', 'failures', 'u' || n % 500, '10.0.0.' || n % 250, 'guessing', '', n, n
     from generate_series(1, 5000) as n`,
  `insert into sessions (id, gateway, user_name, user_stem, updated_at, stopped_at, seconds, octets_in,
       octets_out, revision)
     select 's' || n, 'gw1', 'u', 'u' || n % 500, n, n, 0, 0, 0, 1 from generate_series(1, 5000) as n`,
]

describeWith(POSTGRES_NEEDS, 'in PostgreSQL', () => {
  const resources = new AsyncDisposableStack()
  const asked: CompiledQuery[] = []
  let db: Kysely<Tables>
  let records: Repositories

  beforeAll(async () => {
    const postgres = await startPostgres()
    resources.defer(postgres.stop)
    const server = serverOf(await postgres.newDatabase())
    await prepareDatabase(server)
    // The tables are small here: an index is taken wherever one can be.
    await postgres.ask('alter role ocbroker set enable_seqscan = off')
    for (const rows of ROWS) await postgres.ask(rows, server.database)
    await postgres.ask('analyze', server.database)
    db = new Kysely({
      dialect: new RecordsDialect(new ConnectionPool({ server, size: 1, connectMs: 5000 })),
      log: ({ query }) => void asked.push(query),
    })
    resources.defer(() => db.destroy())
    records = sqlRepositories(db, { random: systemRandom })
  })

  afterAll(() => resources.disposeAsync())

  for (const [what, perform] of deskQueries(() => records))
    test(`${what}: every table that grows is searched by an index`, async () => {
      asked.length = 0
      await perform()
      const queries = asked.filter(({ sql }) => /^\s*(select|with)/.test(sql))
      expect(queries.length).toBeGreaterThan(0)
      for (const { sql, parameters } of queries) {
        const explained = CompiledQuery.raw(`explain (format json) ${sql}`, [...parameters])
        const [row] = (await db.executeQuery<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(explained)).rows
        const walked = row?.['QUERY PLAN'].flatMap(({ Plan }) => nodesOf(Plan)).filter(walksAll)
        expect(walked, sql).toEqual([])
      }
    })
})

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

/** Whether it reads the whole table or a whole index. The index of open sessions has no others. */
function walksAll(node: PlanNode): boolean {
  if (!GROWING.includes(node['Relation Name'] ?? '')) return false
  if (node['Node Type'] === 'Seq Scan') return true
  const isIndexScan = /^Index/.test(node['Node Type'])
  return isIndexScan && node['Index Cond'] === undefined && node['Index Name'] !== 'sessions_open'
}
