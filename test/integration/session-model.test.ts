import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenStore } from '../../src/store/repositories.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { opening } from '../store/postgres.ts'
import { checkSites } from '../store/session-model/commands.ts'
import { Site } from '../store/session-model/site.ts'

describeWith(POSTGRES_NEEDS, 'two brokers on one PostgreSQL', () => {
  const resources = new AsyncDisposableStack()
  let stores: readonly OpenStore[]
  beforeAll(async () => {
    const server = await startPostgres({ settings: { synchronous_commit: 'off' } })
    resources.defer(server.stop)
    const url = await server.newDatabase()
    stores = await Promise.all([opening(url), opening(url)])
    for (const store of stores) resources.defer(store.close)
  })
  afterAll(() => resources.disposeAsync())

  test('whatever happens: one address a client, no session too many, nothing held too long, exact totals', {
    timeout: 60_000,
  }, async () => {
    let sites = 0
    const open = async () => {
      sites += 1
      const site = new Site(stores.map(({ records }) => records))
      await site.open()
      return site
    }
    await checkSites(open, { numRuns: 25, endAfterMs: 12_000 })
    expect(sites).toBeGreaterThan(1)
  })
})
