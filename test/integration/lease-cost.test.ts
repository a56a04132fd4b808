import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { layoutsOf } from '../../src/domain/address-pool.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import type { OpenStore, Repositories } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { opening } from '../store/postgres.ts'
import { admission, MINUTE, NOON, unique } from '../store/samples.ts'

const ADDRESSES = 60_000
const MOST_MS = 2
const TRIES = 20

/** A pool that one user has had all of, as a table that a sentence fills. */
const HISTORIES = [
  ['has had all addresses, and given them back', `session = null, freed_at = ${NOON} - length(address)`],
  [
    'has all addresses but a few, in sessions that live',
    `session = case when address like '10.8.7.%' then null else address end, gateway = 'gw1',
     taken_at = ${NOON} - ${60 * MINUTE}, heard_at = ${NOON} - ${MINUTE}, kept_ms = ${25 * MINUTE}`,
  ],
  [
    'has all addresses but a few, in logins that became no session',
    `session = case when address like '10.8.7.%' then null else address end, gateway = 'gw1',
     taken_at = ${NOON} - ${MINUTE}, heard_at = null, kept_ms = ${25 * MINUTE}`,
  ],
] as const

interface Measured extends OpenStore {
  readonly run: (sql: string) => unknown
}

function costs(open: () => Promise<Measured>): void {
  test.each(HISTORIES)('of a user who %s', { timeout: 120_000 }, async (_, history) => {
    const { records, run } = await open()
    const network = parseNetwork('10.8.0.0/16') ?? expect.unreachable()
    const layouts = layoutsOf({ name: 'large', ipv4: network, exclude: [], holdMs: 0 })
    await syncPools(
      records.leases,
      layouts.map((layout) => ({ ...layout, addresses: layout.addresses.slice(0, ADDRESSES) })),
    )
    const user = unique('user')
    await run(`update leases set subject = '${user}', ${history}`)
    const fresh: number[] = []
    const worn: number[] = []
    for (let tries = 0; tries < TRIES; tries++) {
      worn.push(await taking(records, user))
      fresh.push(await taking(records, unique('new')))
    }
    const [most, least] = [Math.min(...worn), Math.min(...fresh)]
    console.log(`${most.toFixed(2)} ms, and ${least.toFixed(2)} ms of a user without a history`)
    expect(most - least, 'more than for a user without a history').toBeLessThan(MOST_MS)
  })
}

/** Milliseconds. */
async function taking({ login }: Repositories, user: string): Promise<number> {
  const entry = { ...admission(user, { kind: 'none' }), lease: { pool: 'large', staleAfterMs: 25 * MINUTE } }
  const before = performance.now()
  const answer = await login.admit(entry)
  const ms = performance.now() - before
  expect(answer.kind).toBe('admitted')
  return ms
}

describe('an address of a pool of 60,000 costs no more than 2 ms in SQLite', () => {
  costs(async () => {
    const folder = temporaryFolder('lease-cost')
    onTestFinished(folder.remove)
    const path = folder.file('broker.db')
    const store = await openSqlite({ path })
    onTestFinished(store.close)
    return {
      ...store,
      run(sql) {
        using database = new DatabaseSync(path, { timeout: 10_000 })
        database.exec(sql)
      },
    }
  })
})

describeWith(POSTGRES_NEEDS, 'an address of a pool of 60,000 costs no more than 2 ms in PostgreSQL', () => {
  costs(async () => {
    const server = await startPostgres()
    onTestFinished(server.stop)
    const url = await server.newDatabase()
    const store = await opening(url)
    onTestFinished(store.close)
    return { ...store, run: (sql) => server.ask(sql, new URL(url).pathname.slice(1)) }
  })
})
