import { describe, expect, onTestFinished, test } from 'vitest'
import { type AddressPool, layoutsOf, poolKey } from '../../src/domain/address-pool.ts'
import { type Network, parseNetwork } from '../../src/domain/network.ts'
import type { Session } from '../../src/domain/session.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import type { OpenStore, Repositories } from '../../src/store/repositories.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { opening } from '../store/postgres.ts'
import { accounting, admission, id, MINUTE, NOON, unique } from '../store/samples.ts'

const LOGINS = 10_000
const PREFIXES = 1000
/** At the same moment, shared by two brokers. */
const AT_ONCE = 16
const KEPT_MS = 25 * MINUTE

function network(text: string): Network {
  return parseNetwork(text) ?? expect.unreachable(text)
}

const POOL: AddressPool = {
  name: 'staff',
  ipv4: network('10.8.0.0/22'),
  ipv6: { network: network('2001:db8:8::/54'), prefix: 64 },
  // Of 1,024.
  exclude: [network('2001:db8:8::/60'), network('2001:db8:8:10::/61')],
  holdMs: 0,
}

interface Live {
  readonly session: Session
  readonly ipv4: string
  readonly ipv6: string
}

/** A site of two brokers: what they have let in, and whether two sessions ever had one address. */
class Site {
  readonly live = new Map<string, Live>()
  readonly #taken = new Set<string>()
  readonly #idle: string[] = []
  full = 0
  #users = 0

  async logIn({ login, sessions }: Repositories): Promise<void> {
    const back = Math.random() < 0.5 ? this.#idle.shift() : undefined
    const user = back ?? `user-${this.#users++}`
    const asked = admission(user, { kind: 'none' }, { session: { gateway: 'gw1' } })
    const answer = await login.admit({
      ...asked,
      lease: { pool: poolKey('staff'), staleAfterMs: KEPT_MS },
      lease6: { pool: poolKey('staff', 64), staleAfterMs: KEPT_MS },
    })
    if (answer.kind !== 'admitted') {
      expect(answer.kind).toBe('no_address')
      this.full += 1
      this.#idle.push(user)
      return
    }
    const { ipv4 = '', ipv6 = '' } = answer
    for (const address of [ipv4, ipv6]) {
      expect(this.#taken.has(address), `${address} is given twice`).toBe(false)
      this.#taken.add(address)
    }
    const { session } = asked
    await sessions.record(accounting('start', user, session.id, { at: NOON + 1000 }))
    this.live.set(session.id, { session, ipv4, ipv6 })
  }

  /** By one of the ways in which sessions end, for one of those that are there. */
  async end(records: Repositories): Promise<void> {
    const some = [...this.live.values()][Math.floor(Math.random() * this.live.size)]
    if (some === undefined) return
    const { session, ipv4, ipv6 } = some
    this.live.delete(session.id)
    // Before the records know: from then on it may be another session's.
    for (const address of [ipv4, ipv6]) this.#taken.delete(address)
    const at = NOON + 2000
    const stop = { at, terminateCause: 'User-Request' }
    const told = (addresses: { readonly ipv4?: string; readonly ipv6?: string }) =>
      records.sessions.record(accounting('stop', session.user, session.id, { ...stop, ...addresses }))
    const ends = [
      () => told({ ipv4, ipv6 }),
      () => told({ ipv4 }),
      () => told({ ipv6 }),
      () => told({}),
      async () => {
        const dead = await Promise.all([ipv4, ipv6].map((address) => records.leases.find(address)))
        const held = dead.flatMap((lease) =>
          lease?.session === session.id ? [{ ...lease, session: session.id }] : [],
        )
        expect(await records.leases.reap(held, at)).toBe(2)
      },
      async () => {
        for (const address of [ipv4, ipv6]) {
          const event = { id: id(), at, kind: 'address.released', actor: 'alice' } as const
          expect(await records.leases.release(address, event)).toMatchObject({ session: session.id })
        }
      },
    ]
    await ends[Math.floor(Math.random() * ends.length)]?.()
    this.#idle.push(session.user)
  }
}

async function usage({ leases }: Repositories): Promise<Record<string, string>> {
  const all = await leases.usage()
  return Object.fromEntries(all.map(({ family, held, size }) => [family, `${held} of ${size}`]))
}

function behaves(open: () => Promise<() => Promise<OpenStore>>): void {
  test('the last prefix goes to one of many logins', async () => {
    const again = await open()
    const stores = [await again(), await again()]
    const last: AddressPool = {
      ...POOL,
      ipv6: { network: network('2001:db8:9::/64'), prefix: 64 },
      exclude: [],
    }
    await syncPools(stores[0]?.records.leases ?? expect.unreachable(), layoutsOf(last))
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, at) =>
        stores[at % 2]?.records.login.admit({
          ...admission(unique('user'), { kind: 'none' }),
          lease: { pool: poolKey('staff'), staleAfterMs: KEPT_MS },
          lease6: { pool: poolKey('staff', 64), staleAfterMs: KEPT_MS },
        }),
      ),
    )
    expect(answers.filter((answer) => answer?.kind === 'admitted')).toHaveLength(1)
    expect(answers.filter((answer) => answer?.kind === 'no_address')).toHaveLength(39)
    expect(await usage(stores[1]?.records ?? expect.unreachable())).toEqual({
      ipv4: '1 of 1021',
      ipv6: '1 of 1',
    })
    for (const { close } of stores) await close()
  })

  test('10,000 logins through 1,000 prefixes, with ends of all kinds and a restart', {
    timeout: 300_000,
  }, async () => {
    const again = await open()
    const site = new Site()
    let logins = 0
    const run = async (until: number): Promise<void> => {
      const stores = [await again(), await again()]
      for (const { records } of stores) await syncPools(records.leases, layoutsOf(POOL))
      const work = async ({ records }: OpenStore) => {
        while (logins < until) {
          // Fills the pool from time to time, and empties it by a part.
          const wantsMore = Math.random() < (Math.floor(logins / 2500) % 2 === 0 ? 0.75 : 0.45)
          if (!wantsMore) await site.end(records)
          else {
            logins += 1
            await site.logIn(records)
          }
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => work(stores[at % 2] as OpenStore)))
      const { size } = site.live
      expect(await usage(stores[0]?.records ?? expect.unreachable())).toEqual({
        ipv4: `${size} of 1021`,
        ipv6: `${size} of ${PREFIXES}`,
      })
      for (const { close } of stores) await close()
    }
    await run(LOGINS / 2)
    await run(LOGINS)
    console.log(`${site.live.size} sessions live, ${site.full} logins found the pool full`)
    expect(site.full).toBeGreaterThan(0)

    const { records, close } = await again()
    for (const { session, ipv6 } of site.live.values())
      expect(await records.leases.find(ipv6)).toMatchObject({ session: session.id })
    while (site.live.size > 0) await site.end(records)
    expect(await usage(records)).toEqual({ ipv4: '0 of 1021', ipv6: `0 of ${PREFIXES}` })
    await close()
  })
}

describe('two brokers on one SQLite file', () => {
  behaves(async () => {
    const folder = temporaryFolder('prefix-leases')
    onTestFinished(folder.remove)
    // Two writers of one file wait for each other, in no fair order.
    return () => openSqlite({ path: folder.file('broker.db'), busyMs: 60_000 })
  })
})

describeWith(POSTGRES_NEEDS, 'two brokers on one PostgreSQL', () => {
  behaves(async () => {
    const server = await startPostgres({ settings: { synchronous_commit: 'off' } })
    onTestFinished(server.stop)
    const url = await server.newDatabase()
    return () => opening(url)
  })
})
