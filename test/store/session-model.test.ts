import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/domain/session.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import type { OpenStore } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { accounting, admission, MINUTE, NOON, unique } from './samples.ts'
import { checkSites } from './session-model/commands.ts'
import { Site } from './session-model/site.ts'

let store: OpenStore
beforeAll(async () => {
  store = await openSqlite({ path: ':memory:' })
})
afterAll(() => store.close())

test('whatever happens: one address a client, no session too many, nothing held too long, exact totals', {
  timeout: 60_000,
}, async () => {
  let sites = 0
  const open = async () => {
    sites += 1
    const site = new Site([store.records])
    await site.open()
    return site
  }
  await checkSites(open, { numRuns: 60, endAfterMs: 10_000 })
  expect(sites).toBeGreaterThan(5)
})

test('10,000 logins into 1,000 addresses with ends at random: no address twice, none lost', {
  timeout: 60_000,
}, async () => {
  const { records } = store
  const pool = unique('pool')
  const addresses = Array.from({ length: 1000 }, (_, index) => `10.99.${index >> 8}.${index % 256}`)
  await syncPools(records.leases, [{ pool, addresses }])
  const seed = Date.now() % 2 ** 32
  const random = seeded(seed)
  const holders = new Map<string, Session>()
  let refused = 0
  for (let batch = 0; batch < 100; batch++) {
    const logins = Array.from({ length: 100 }, () =>
      admission(unique('user'), { kind: 'none' }, { address: '192.0.2.1' }),
    )
    const answers = await Promise.all(
      logins.map((asked) => records.login.admit({ ...asked, lease: { pool, staleAfterMs: 25 * MINUTE } })),
    )
    for (const [index, answer] of answers.entries()) {
      if (answer.kind !== 'admitted') refused += 1
      else if (answer.ipv4 === undefined || holders.has(answer.ipv4))
        expect.unreachable(`seed ${seed}: ${answer.ipv4} a second time`)
      else holders.set(answer.ipv4, (logins[index] ?? expect.unreachable()).session)
    }
    const ending = [...holders].filter(() => random() < holders.size / 12_000)
    await Promise.all(
      ending.map(([ipv4, { id, user, gateway }]) => {
        holders.delete(ipv4)
        return records.sessions.record(
          accounting('stop', user, `sid-${id}`, { gateway, address: '192.0.2.1', ipv4, at: NOON + 1 }),
        )
      }),
    )
    const held = (await records.leases.usage()).find((usage) => usage.pool === pool)?.held
    expect(held, `seed ${seed}`).toBe(holders.size)
  }
  expect(refused, `seed ${seed}`).toBeGreaterThan(0)
})

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
