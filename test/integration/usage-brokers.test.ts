import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ledger } from '../../src/accounting/ledger.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Quota } from '../../src/domain/quota.ts'
import type { AccountingRecord, SessionStore } from '../../src/domain/session.ts'
import { SiteDays } from '../../src/domain/site-days.ts'
import type { OpenStore, Repositories } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { opening } from '../store/postgres.ts'
import { accounting, admission, MINUTE, unique } from '../store/samples.ts'

const USERS = 400
/** At one time. */
const AT_ONCE = 48
/** An hour before midnight in Berlin, at the end of a month and of the week in which summer time begins. */
const EVENING = Date.parse('2026-03-31T21:00:00Z')

interface Reported {
  readonly user: string
  readonly records: readonly AccountingRecord[]
}

/** The same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

/** Sessions over the end of the month, from their Start to their Stop. */
function reportedSessions(run: string, count: number): readonly Reported[] {
  const next = numbers(7)
  return Array.from({ length: count }, (_, index) => {
    const [user, acct] = [`${run}-${next(USERS)}`, `${run}-session-${index}`]
    const counts = [next(1_000_000), next(1_000_000)].toSorted((a, b) => a - b)
    const records = counts.map((octetsIn, report) =>
      accounting(report === 1 ? 'stop' : 'interim', user, acct, {
        at: EVENING + (report + 1) * 45 * MINUTE,
        seconds: (report + 1) * 2700,
        octetsIn,
        octetsOut: octetsIn * 3,
      }),
    )
    return { user, records: [accounting('start', user, acct, { at: EVENING }), ...records] }
  })
}

/** Every record at least once, one in five twice, in an order of chance. */
function shuffled(sessions: readonly Reported[]): readonly AccountingRecord[] {
  const next = numbers(11)
  const records = sessions.flatMap((session) => session.records)
  const arrivals = [...records, ...records.filter(() => next(5) === 0)]
  for (let left = arrivals.length - 1; left > 0; left--) {
    const other = next(left + 1)
    ;[arrivals[left], arrivals[other]] = [
      arrivals[other] as AccountingRecord,
      arrivals[left] as AccountingRecord,
    ]
  }
  return arrivals
}

/** As the spool does while the records cannot take one. */
async function keep(entry: AccountingRecord, broker: Pick<SessionStore, 'record'>): Promise<void> {
  for (;;) {
    try {
      return await broker.record(entry)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

/** Brokers by turns take the records, many at one time. */
async function deliver(
  records: readonly AccountingRecord[],
  brokers: readonly Pick<SessionStore, 'record'>[],
): Promise<void> {
  let index = 0
  const take = async () => {
    while (index < records.length) {
      const [entry, broker] = [records[index], brokers[index % brokers.length]]
      index += 1
      if (entry !== undefined && broker !== undefined) await keep(entry, broker)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, take))
}

/** @param count sessions whose records come in any order. */
function brokersOn(count: number, open: () => Promise<readonly [OpenStore, OpenStore]>): void {
  let stores: readonly [OpenStore, OpenStore]
  beforeAll(async () => {
    stores = await open()
  })
  afterAll(() => Promise.all(stores.map((store) => store.close())))

  const records = (): Repositories => stores[0].records
  const ledgers = (now: () => number, policies: ConstructorParameters<typeof Ledger>[1]['policies'] = []) =>
    stores.map(
      (store) =>
        new Ledger(store.records.sessions, { days: new SiteDays('Europe/Berlin'), policies }, { now }),
    )

  test('the usage of sessions whose records come in any order, twice and to two brokers is that of the sessions', async () => {
    const run = unique('run')
    const sessions = reportedSessions(run, count)
    await deliver(
      shuffled(sessions),
      ledgers(() => EVENING + 120 * MINUTE),
    )
    const expected = new Map<string, { seconds: number; octetsIn: number; octetsOut: number }>()
    for (const { user, records: all } of sessions) {
      const { seconds, octetsIn, octetsOut } = all.at(-1) ?? accounting('stop', user, '')
      const sum = expected.get(user) ?? { seconds: 0, octetsIn: 0, octetsOut: 0 }
      expected.set(user, {
        seconds: sum.seconds + seconds,
        octetsIn: sum.octetsIn + octetsIn,
        octetsOut: sum.octetsOut + octetsOut,
      })
    }
    const users = [...expected.keys()].toSorted()
    const found = await records().usage.list({ by: 'user', limit: 10_000 })
    const own = found.filter(({ key }) => key?.startsWith(`${run}-`))
    expect(new Map(own.map(({ key, ...sum }) => [key, sum]))).toEqual(
      new Map(users.map((user) => [user, expected.get(user)])),
    )
  })

  test('usage goes to the days and months of the site, also where the clock of a broker steps', async () => {
    const [user, acct, policy] = [unique('user'), unique('acct'), unique('policy')]
    let now = EVENING
    const [one, two] = ledgers(() => now)
    await records().login.admit(
      admission(user, { kind: 'none' }, { now: EVENING, session: { policy, acctSession: acct } }),
    )
    const report = (minutes: number, octetsIn: number) => {
      now = EVENING + minutes * MINUTE
      return accounting('interim', user, acct, { at: now, seconds: minutes * 60, octetsIn })
    }
    await one?.record(report(59, 100))
    await two?.record(report(61, 150))
    // Back before midnight, and far ahead: the counters decide what is added, and each is counted once.
    await one?.record(report(30, 170))
    await two?.record(report(60 * 24 * 40, 200))
    await one?.record(report(90, 200))
    const days = await records().usage.list({ user, perDay: true, limit: 9 })
    expect(days.map(({ day, octetsIn }) => [day, octetsIn])).toEqual([
      ['2026-03-31', 120],
      ['2026-04-01', 50],
      ['2026-05-10', 30],
    ])
    expect(
      await records().usage.list({ user, from: '2026-04-01', to: '2026-04-30', limit: 9 }),
    ).toMatchObject([{ octetsIn: 50 }])
  })

  test('a quota that two brokers count is told once, by the month of the site', async () => {
    const quota: Quota = { measure: 'both', most: 1000, per: 'month', of: 'user' }
    const [user, policy] = [unique('user'), unique('policy')]
    let now = EVENING
    const brokers = ledgers(() => now, [{ name: policy, quotas: [quota] }])
    const accts = Array.from({ length: 10 }, () => unique('acct'))
    for (const acctSession of accts)
      await records().login.admit(
        admission(user, { kind: 'none' }, { now, session: { policy, acctSession } }),
      )
    const report = (octetsIn: number) =>
      deliver(
        accts.map((acct) => accounting('interim', user, acct, { at: now, octetsIn })),
        brokers,
      )
    const told = async () =>
      (
        await records().audit.list({
          user,
          kinds: ['quota.warned', 'quota.spent'],
          order: 'oldest',
          limit: 9,
        })
      ).map(({ kind }) => kind)
    await report(85)
    expect(await told()).toEqual(['quota.warned'])
    await report(110)
    expect(await told()).toEqual(['quota.warned', 'quota.spent'])
    // Midnight in Berlin, two hours before that of UTC: a new month has begun.
    now = EVENING + 61 * MINUTE
    await report(150)
    expect(await told()).toEqual(['quota.warned', 'quota.spent'])
    await report(205)
    expect(await told()).toEqual(['quota.warned', 'quota.spent', 'quota.warned'])
  })
}

describe('two brokers on SQLite', () => {
  brokersOn(5000, async () => {
    const folder = temporaryFolder('usage')
    const path = folder.file('broker.db')
    const first = await openSqlite({ path, busyMs: 30_000 })
    const close = async () => {
      await first.close()
      await folder.remove()
    }
    return [{ ...first, close }, await openSqlite({ path, busyMs: 30_000 })]
  })
})

describeWith(POSTGRES_NEEDS, 'two brokers on PostgreSQL', () => {
  let server: Postgres
  afterAll(() => server.stop())
  brokersOn(500, async () => {
    server = await startPostgres()
    const url = await server.newDatabase()
    return [await opening(url), await opening(url)]
  })
})
