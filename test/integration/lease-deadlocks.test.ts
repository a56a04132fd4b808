import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { HeldLease } from '../../src/domain/address-pool.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import type { Repositories } from '../../src/store/repositories.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { opening } from '../store/postgres.ts'
import { accounting, admission, eventOf, MINUTE, NOON } from '../store/samples.ts'

const ADDRESSES = Array.from({ length: 24 }, (_, index) => `10.8.4.${index + 2}`)
/** Some are before the IPv4 addresses in the order of text, and some behind them. */
const PREFIXES = Array.from(
  { length: 24 },
  (_, index) => `${index % 2 === 0 ? '1000' : 'fd00'}::${index}:0:0:0:2`,
)
const USERS = ['ann', 'bob', 'cem']
const LASTS_MS = 8000
const KEPT_MS = 25 * MINUTE

describeWith(POSTGRES_NEEDS, 'two brokers on one PostgreSQL', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  beforeAll(async () => {
    // A deadlock is seen at once, before one of the two would have given up by itself.
    server = await startPostgres({ settings: { deadlock_timeout: '10ms', synchronous_commit: 'off' } })
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  test('never lock the rows of leases crosswise: logins, reports, exchanges, reaping and changes of pools', {
    timeout: 60_000,
  }, async () => {
    const url = await server.newDatabase()
    const stores = await Promise.all([opening(url), opening(url)])
    const [one] = stores
    await syncPools(one.records.leases, [
      { pool: 'a', addresses: ADDRESSES.slice(0, 12) },
      { pool: 'b', addresses: ADDRESSES.slice(12) },
      { pool: 'a/64', addresses: PREFIXES.slice(0, 12), within: { first: '1', last: 'g' } },
      { pool: 'b/64', addresses: PREFIXES.slice(12), within: { first: '1', last: 'g' } },
    ])
    const until = performance.now() + LASTS_MS
    const done = { login: 0, report: 0, reap: 0, assign: 0, tidy: 0, release: 0 }
    const repeat = async (what: keyof typeof done, work: () => Promise<unknown>) => {
      while (performance.now() < until) {
        await work().catch((error: unknown) => {
          // Others change the rows all the time: a call may give up, but not for a deadlock.
          if (!(error instanceof Unavailable)) throw error
        })
        done[what] += 1
      }
    }
    await Promise.all(
      stores.flatMap(({ records }) => [
        ...Array.from({ length: 3 }, () => repeat('login', () => logIn(records))),
        ...Array.from({ length: 4 }, () => repeat('report', () => report(records))),
        repeat('reap', () => reap(records)),
        repeat('reap', () => reap(records)),
        repeat('assign', () => records.leases.assign(ADDRESSES, oneOf(['a', 'b']))),
        repeat('assign', () => records.leases.assign(ADDRESSES.toReversed(), oneOf(['a', 'b']))),
        repeat('assign', () => records.leases.assign(PREFIXES, oneOf(['a/64', 'b/64']))),
        repeat('tidy', () => records.leases.tidy()),
        repeat('release', () =>
          records.leases.release(
            oneOf([...ADDRESSES, ...PREFIXES]),
            eventOf('ann', { kind: 'address.released' }),
          ),
        ),
      ]),
    )
    console.log(JSON.stringify(done))
    for (const [what, count] of Object.entries(done)) expect(count, what).toBeGreaterThan(3)
    // A connection tells what it met at its end.
    await Promise.all(stores.map(({ close }) => close()))
    const [seen] = await server.ask(
      `select deadlocks::int from pg_stat_database where datname = '${new URL(url).pathname.slice(1)}'`,
    )
    expect(seen).toEqual({ deadlocks: 0 })
  })

  describe('wait for a row', () => {
    /** In the order of text the IPv6 address comes first. */
    const [ipv4, ipv6] = ['203.0.114.2', '1000::2']

    /** Two rows, one of which another transaction has locked. */
    async function withLocked(address: string, before?: (records: Repositories) => Promise<unknown>) {
      const url = await server.newDatabase()
      const { records, close } = await opening(url)
      onTestFinished(close)
      await syncPools(records.leases, [
        { pool: 'a', addresses: [ipv4] },
        { pool: 'a/64', addresses: [ipv6], within: { first: '1', last: '2' } },
      ])
      await before?.(records)
      const other = new Client({ connectionString: url })
      await other.connect()
      onTestFinished(() => other.end())
      await other.query('begin')
      await other.query('select from leases where address = $1 for update', [address])
      const untilWaiting = () =>
        expect
          .poll(
            async () => (await server.ask('select count(*)::int as n from pg_locks where not granted'))[0],
          )
          .toEqual({ n: 1 })
      const lockNow = (another: string) =>
        other.query('select address from leases where address = $1 for update nowait', [another])
      return { records, untilWaiting, lockNow, letGo: () => other.query('commit') }
    }

    test('of a user’s own address before they have locked another', async () => {
      const { records, untilWaiting, lockNow, letGo } = await withLocked(ipv6)
      const admitted = records.login.admit({
        ...admission('ann', { kind: 'none' }),
        lease: { pool: 'a', staleAfterMs: KEPT_MS },
        lease6: { pool: 'a/64', address: ipv6, staleAfterMs: KEPT_MS },
      })
      await untilWaiting()
      expect((await lockNow(ipv4)).rows).toEqual([{ address: ipv4 }])
      await letGo()
      expect(await admitted).toEqual({ kind: 'admitted', ipv4, ipv6 })
    })

    test('that comes first before they have locked the second, where a report names two', async () => {
      const { records, untilWaiting, lockNow, letGo } = await withLocked(ipv6, ({ login }) =>
        login.admit({
          ...admission('ann', { kind: 'none' }, { session: { acctSession: 'named' } }),
          lease: { pool: 'a', staleAfterMs: KEPT_MS },
          lease6: { pool: 'a/64', staleAfterMs: KEPT_MS },
        }),
      )
      const reported = records.sessions.record(accounting('interim', 'ann', 'named', { ipv4, ipv6 }))
      await untilWaiting()
      expect((await lockNow(ipv4)).rows).toEqual([{ address: ipv4 }])
      await letGo()
      await reported
    })
  })
})

function oneOf<T>(values: readonly T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T
}

let at = NOON

async function logIn({ login }: Repositories): Promise<void> {
  at += 1
  const entry = admission(oneOf(USERS), { kind: 'none' }, { now: at })
  // The users' own addresses are waited for, in either family or both.
  const own = (addresses: readonly string[]) => oneOf([undefined, oneOf(addresses.slice(0, 4))])
  const wish = (pool: string | undefined, addresses: readonly string[]) =>
    pool === undefined ? undefined : { pool, address: own(addresses), staleAfterMs: KEPT_MS }
  await login.admit({
    ...entry,
    lease: wish(oneOf(['a', 'b', undefined]), ADDRESSES),
    lease6: wish(oneOf(['a/64', 'b/64', undefined]), PREFIXES),
  })
}

/** A session of one of the users that reports one of the addresses: its own, that of another session, or a free one. */
async function report({ sessions }: Repositories): Promise<void> {
  at += 1
  const kind = oneOf(['start', 'interim', 'interim', 'interim', 'stop'] as const)
  const user = oneOf(USERS)
  const record = accounting(kind, user, `${user}-${oneOf([1, 2, 3, 4, 5, 6])}-${Math.floor(at / 4000)}`, {
    at,
    ipv4: oneOf([...ADDRESSES, undefined]),
    ipv6: oneOf([...PREFIXES, undefined]),
  })
  await sessions.record(record)
}

async function reap({ leases }: Repositories): Promise<void> {
  at += 1
  const held = await leases.page({ held: true, limit: 1000 })
  const some = held.filter((): boolean => Math.random() < 0.5)
  // In whatever order they were found.
  const dead = Math.random() < 0.5 ? some : some.toReversed()
  await leases.reap(dead as HeldLease[], at)
}
