import { describe, expect, test } from 'vitest'
import type { HeldLease, LeaseRequest, PoolLayout } from '../../../src/domain/address-pool.ts'
import type { AuditEvent } from '../../../src/domain/audit.ts'
import type { AdmissionAnswer } from '../../../src/domain/login-records.ts'
import type { AccountingRecord, Session } from '../../../src/domain/session.ts'
import { syncPools } from '../../../src/store/pool-sync.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import {
  accounting,
  admission,
  enrolmentOf,
  HOUR,
  id,
  MINUTE,
  NOON,
  unique,
  uniqueAddress,
  userNamed,
} from '../samples.ts'

const KEPT_MS = 25 * MINUTE

interface Leased {
  readonly answer: AdmissionAnswer
  readonly session: Session
  readonly event: AuditEvent
  readonly address: string
}

export function leaseContract(records: () => Repositories): void {
  /** A pool that no other test has, with addresses of its own. */
  const poolOf = async (size: number): Promise<PoolLayout> => {
    const network = uniqueAddress().split('.').slice(0, 3).join('.')
    const addresses = Array.from({ length: size }, (_, index) => `${network}.${index + 2}`)
    const layout = { pool: unique('pool'), addresses }
    await syncPools(records().leases, [layout])
    return layout
  }

  const login = async (
    user: string,
    { pool }: PoolLayout,
    more: { session?: Partial<Session>; now?: number; lease?: Partial<LeaseRequest> } = {},
  ): Promise<Leased> => {
    const { now = NOON, session } = more
    const address = uniqueAddress()
    const asked = admission(user, { kind: 'none' }, { address, now, session })
    const answer = await records().login.admit({
      ...asked,
      lease: { pool, staleAfterMs: KEPT_MS, ...more.lease },
    })
    return { answer, session: asked.session, event: asked.event, address }
  }

  const ipv4Of = ({ answer }: Leased): string => {
    if (answer.kind !== 'admitted' || answer.ipv4 === undefined) throw new Error(`${answer.kind}, no address`)
    return answer.ipv4
  }

  /** Sends accounting of the session, under the name that its identifier gives it. */
  const tell = async (
    kind: AccountingRecord['kind'],
    { session, address }: Leased,
    more: Partial<AccountingRecord> = {},
  ): Promise<void> => {
    const cause = kind === 'stop' ? { terminateCause: 'User-Request' } : {}
    const { gateway, user, id } = session
    await records().sessions.record(
      accounting(kind, user, `acct-${id}`, { gateway, address, ...cause, ...more }),
    )
  }

  const usageOf = async ({ pool }: PoolLayout) => {
    const usage = (await records().leases.usage()).find((each) => each.pool === pool)
    return usage && { pool, size: usage.size, held: usage.held }
  }
  const heldIn = async (pool: PoolLayout): Promise<number | undefined> => (await usageOf(pool))?.held

  /** As a broker does that refused the login before the records had answered. */
  const takeBack = ({ session, event }: Leased): Promise<boolean> =>
    records().login.withdraw({
      session: session.id,
      refused: { ...event, kind: 'login.unavailable' },
      withdrawn: { ...event, id: id(), kind: 'login.withdrawn', at: NOON + HOUR },
    })

  /** As a broker does that has watched for long enough. */
  const reap = async (...dead: readonly Leased[]): Promise<number> => {
    const found = await Promise.all(dead.map((each) => records().leases.find(ipv4Of(each))))
    return records().leases.reap(
      found.filter((lease): lease is HeldLease => lease?.session !== undefined),
      NOON + HOUR,
    )
  }

  const sessionNamed = async ({ session: { user, id } }: Leased): Promise<string | undefined> =>
    (await records().sessions.list({ user, limit: 9 })).find(
      ({ acctSession }) => acctSession === `acct-${id}`,
    )?.id

  const sharedEvents = (user: string) => records().audit.list({ user, kinds: ['address.shared'], limit: 9 })

  describe('leases', () => {
    test('are counted by pool, and each login gets an address of its own in the order of the pool', async () => {
      const pool = await poolOf(3)
      const { pool: name, addresses } = pool
      expect(await usageOf(pool)).toEqual({ pool: name, size: 3, held: 0 })
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      expect([ipv4Of(one), ipv4Of(other)]).toEqual(addresses.slice(0, 2))
      expect(await records().sessions.find(one.session.id)).toEqual({
        ...one.session,
        pool: name,
        ipv4: addresses[0],
      })
      expect(await usageOf(pool)).toEqual({ pool: name, size: 3, held: 2 })
    })

    test('are foreseen as they are given, and nothing is taken by that', async () => {
      const pool = await poolOf(2)
      const foresee = (user: string, address?: string) =>
        records().login.foresee({
          ...admission(user, { kind: 'recovery', subject: user, hashes: ['any'] }),
          lease: { pool: pool.pool, address, staleAfterMs: KEPT_MS },
        })
      const [first, second, third] = [unique('user'), unique('user'), unique('user')]
      const own = pool.addresses[0]
      for (const address of [undefined, own])
        expect(await foresee(first, address)).toEqual({ kind: 'admitted' })
      expect(await heldIn(pool)).toBe(0)
      await login(first, pool)
      expect(await foresee(second, own)).toEqual({ kind: 'no_address' })
      expect(await foresee(first, own)).toEqual({ kind: 'admitted' })
      await login(second, pool)
      expect(await foresee(third)).toEqual({ kind: 'no_address' })
      expect((await login(third, pool)).answer).toEqual({ kind: 'no_address' })
      const events = await records().audit.list({ user: third, limit: 9 })
      expect([events, await records().sessions.list({ user: third, limit: 9 })]).toEqual([[], []])
    })

    test('of a pool that the records do not know yet are foreseen', async () => {
      const asked = admission(unique('user'), { kind: 'none' })
      const lease = { pool: unique('pool'), staleAfterMs: KEPT_MS }
      expect(await records().login.foresee({ ...asked, lease })).toEqual({ kind: 'admitted' })
    })

    test('are never two for one address, however many log in at once', async () => {
      const pool = await poolOf(60)
      const logins = await Promise.all(Array.from({ length: 100 }, () => login(unique('user'), pool)))
      const [admitted, refused] = [
        logins.filter(({ answer }) => answer.kind === 'admitted'),
        logins.filter(({ answer }) => answer.kind === 'no_address'),
      ]
      expect([admitted.length, refused.length]).toEqual([60, 40])
      expect(new Set(admitted.map(ipv4Of)).size).toBe(60)
      expect(await heldIn(pool)).toBe(60)
    })

    test('that a pool does not have leave the code unspent and nothing behind', async () => {
      const pool = await poolOf(1)
      await login(unique('user'), pool)
      const user = unique('user')
      const enrolment = enrolmentOf(user, { lastStep: 5 })
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step: 7, driftMs: 0 } as const
      const asked = { ...admission(user, codeUse), lease: { pool: pool.pool, staleAfterMs: KEPT_MS } }
      expect(await records().login.admit(asked)).toEqual({ kind: 'no_address' })
      expect((await records().enrolments.ofSubject(user))[0]?.lastStep).toBe(5)
      expect(await records().sessions.list({ user, limit: 9 })).toEqual([])
      expect(await records().audit.list({ user, limit: 9 })).toEqual([])

      const wider = await poolOf(2)
      expect(await records().login.admit({ ...asked, lease: { ...asked.lease, pool: wider.pool } })).toEqual({
        kind: 'admitted',
        ipv4: wider.addresses[0],
      })
    })

    test('are not taken by a login whose code was used', async () => {
      const pool = await poolOf(5)
      const user = unique('user')
      const enrolment = enrolmentOf(user)
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const asked = () => ({
        ...admission(user, { kind: 'totp', enrolment: enrolment.id, step: 7, driftMs: 0 }),
        lease: { pool: pool.pool, staleAfterMs: KEPT_MS },
      })
      const answers = await Promise.all(Array.from({ length: 20 }, () => records().login.admit(asked())))
      const kinds = answers.map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'admitted')).toHaveLength(1)
      // Where the database does many at once, those that wait for the code may hold the last addresses meanwhile.
      expect(kinds.filter((kind) => kind !== 'admitted' && kind !== 'no_address')).not.toHaveLength(0)
      expect(await heldIn(pool)).toBe(1)
    })

    test('end with the session, and go to the same user again', async () => {
      const pool = await poolOf(3)
      const user = unique('user')
      await login(unique('user'), pool)
      const first = await login(user, pool)
      await tell('start', first, { at: NOON + 1000 })
      await tell('stop', first, { at: NOON + MINUTE, ipv4: ipv4Of(first) })
      expect(await heldIn(pool)).toBe(1)
      const again = await login(user, pool, { now: NOON + HOUR })
      expect(ipv4Of(again)).toBe(ipv4Of(first))
      expect(ipv4Of(await login(user, pool, { now: NOON + HOUR }))).toBe(pool.addresses[2])
    })

    test('begin with the address that has been free for longest', async () => {
      const pool = await poolOf(2)
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      await tell('stop', other, { at: NOON + MINUTE })
      await tell('stop', one, { at: NOON + 2 * MINUTE })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(other))
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(one))
    })

    test('outlive an administrator’s disconnect, after which a cookie brings the client back', async () => {
      const pool = await poolOf(1)
      const first = await login(unique('user'), pool)
      await tell('stop', first, { at: NOON + MINUTE, terminateCause: 'Admin-Reset' })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      await reap(first)
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(first))
    })

    test('keep out what is a local user’s own', async () => {
      const pool = await poolOf(2)
      const [own, free] = pool.addresses
      const user = unique('user')
      await records().users.add(userNamed(user, { attributes: { ipv4: own } }))
      expect(ipv4Of(await login(unique('user'), pool))).toBe(free)
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect(ipv4Of(await login(user, pool, { lease: { address: own } }))).toBe(own)
    })

    test('of a user’s own address are that user’s alone, in as many sessions as there are', async () => {
      const pool = await poolOf(2)
      const [own = '', other] = pool.addresses
      const user = unique('user')
      const mine = { lease: { address: own } }
      expect(ipv4Of(await login(user, pool, mine))).toBe(own)
      expect(ipv4Of(await login(user, pool, mine))).toBe(own)
      expect((await login(unique('user'), pool, mine)).answer).toEqual({ kind: 'no_address' })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(other)
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
    })

    test('stay with a session that its gateway names and logs in again', async () => {
      const pool = await poolOf(5)
      const [user, acctSession] = [unique('user'), unique('acct')]
      const first = await login(user, pool, { session: { acctSession } })
      const again = await login(user, pool, { session: { acctSession }, now: NOON + 1000 })
      expect(ipv4Of(again)).toBe(ipv4Of(first))
      expect(await heldIn(pool)).toBe(1)
      const another = await login(unique('user'), pool, { session: { acctSession: unique('acct') } })
      expect(ipv4Of(another)).not.toBe(ipv4Of(first))
    })

    test('of one user’s sessions that were taken for each other are exchanged, and end by reaping', async () => {
      const pool = await poolOf(2)
      const user = unique('user')
      const [one, other] = [await login(user, pool), await login(user, pool)]
      await tell('start', one, { at: NOON + 500 })
      await tell('start', other, { at: NOON + 600 })
      // The gateway gave each the other's, as before ocserv 1.5.1 nobody could tell them apart.
      await tell('interim', one, { at: NOON + MINUTE, ipv4: ipv4Of(other) })
      expect((await records().leases.find(ipv4Of(other)))?.session).toBe(await sessionNamed(one))
      expect((await records().leases.find(ipv4Of(one)))?.session).toBe(await sessionNamed(other))
      // It is not certain which of the two a Stop means, so it frees no address for others.
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv4: ipv4Of(other) })
      await tell('stop', other, { at: NOON + 3 * MINUTE, ipv4: ipv4Of(one) })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect(await reap(one, other)).toBe(2)
      expect(await sharedEvents(user)).toEqual([])
    })

    test('of a login that is taken back are free, and stay with a session that a gateway has named', async () => {
      const pool = await poolOf(2)
      const unused = await login(unique('user'), pool)
      expect(await takeBack(unused)).toBe(true)
      expect(await heldIn(pool)).toBe(0)
      const named = await login(unique('user'), pool)
      await tell('start', named, { ipv4: ipv4Of(named), at: NOON + MINUTE })
      expect(await takeBack(named)).toBe(true)
      expect(await heldIn(pool)).toBe(1)
    })

    test('are reaped if no report came meanwhile', async () => {
      const pool = await poolOf(3)
      const [heard, taken, dead] = [
        await login(unique('user'), pool),
        await login(unique('user'), pool),
        await login(unique('user'), pool),
      ]
      const all = await records().leases.page({ held: true, limit: 10_000 })
      const found = all.filter((lease): lease is HeldLease => lease.pool === pool.pool)
      expect(found.map(({ address }) => address)).toEqual(pool.addresses)
      await tell('start', heard, { at: NOON + 1000 })
      await tell('stop', taken, { at: NOON + 1000 })
      await login(unique('user'), pool)
      expect(await records().leases.reap(found, NOON + HOUR)).toBe(1)
      expect(await records().leases.find(ipv4Of(dead))).not.toHaveProperty('session')
      expect(await heldIn(pool)).toBe(2)
    })

    test('are released by hand, with a word in the audit trail', async () => {
      const pool = await poolOf(1)
      const stuck = await login(unique('user'), pool)
      const event = { id: id(), at: NOON + HOUR, kind: 'address.released', actor: 'alice' } as const
      expect(await records().leases.release(ipv4Of(stuck), event)).toMatchObject({
        session: stuck.session.id,
      })
      expect(await records().leases.release(ipv4Of(stuck), { ...event, id: id() })).toBeUndefined()
      expect(await records().leases.release('192.0.2.1', { ...event, id: id() })).toBeUndefined()
      expect(await heldIn(pool)).toBe(0)
      expect(
        await records().audit.list({ kinds: ['address.released'], since: event.at, limit: 9 }),
      ).toContainEqual(expect.objectContaining({ id: event.id }))
    })

    test('are not used up by a user who logs in again and again and never connects', async () => {
      const pool = await poolOf(10)
      const user = unique('user')
      const given = new Set<string>()
      for (let times = 0; times < 20; times++)
        given.add(ipv4Of(await login(user, pool, { now: NOON + times })))
      expect(given.size).toBe(3)
      expect(await heldIn(pool)).toBe(3)
    })

    test('of a login are not taken by another of the same moment', async () => {
      const pool = await poolOf(10)
      const user = unique('user')
      for (let times = 0; times < 3; times++) await login(user, pool, { now: NOON })
      const together = [await login(user, pool, { now: NOON }), await login(user, pool, { now: NOON })]
      expect(new Set(together.map(ipv4Of)).size).toBe(2)
      expect(await heldIn(pool)).toBe(5)
    })

    test('of a dead session go to its user, where no other is free', async () => {
      const pool = await poolOf(2)
      const [user, session] = [unique('user'), { gateway: unique('gw') }]
      const unheard = await login(user, pool, { session })
      const silent = await login(unique('user'), pool, { session })
      await tell('start', silent, { at: NOON + 1000 })
      const later = (ms: number, gateway = session.gateway) => ({ now: NOON + ms, session: { gateway } })
      const refused = { kind: 'no_address' }
      expect((await login(user, pool, later(5 * MINUTE))).answer).toEqual(refused)
      expect((await login(user, pool, later(5 * MINUTE + 1, 'another'))).answer).toEqual(refused)
      expect(ipv4Of(await login(user, pool, later(5 * MINUTE + 1)))).toBe(ipv4Of(unheard))
      const { user: other } = silent.session
      expect((await login(other, pool, later(1000 + KEPT_MS))).answer).toEqual(refused)
      expect(ipv4Of(await login(other, pool, later(1001 + KEPT_MS)))).toBe(ipv4Of(silent))
    })

    test('stay with the user’s new session when the Stop of the one before comes again, or late', async () => {
      const pool = await poolOf(1)
      const user = unique('user')
      const first = await login(user, pool)
      const end = { at: NOON + MINUTE, ipv4: ipv4Of(first) }
      await tell('start', first, { at: NOON + 1000 })
      await tell('stop', first, end)
      const second = await login(user, pool, { now: NOON + 2 * MINUTE })
      await tell('stop', first, end)
      await tell('interim', first, { ...end, at: NOON + 30_000 })
      expect(await heldIn(pool)).toBe(1)
      await tell('start', second, { at: NOON + 2 * MINUTE + 1000 })
      await tell('stop', first, { ...end, at: NOON + 3 * MINUTE })
      await tell('interim', first, { ...end, at: NOON + 3 * MINUTE })
      expect(await heldIn(pool)).toBe(1)
      await tell('stop', second, { at: NOON + 4 * MINUTE, ipv4: ipv4Of(second) })
      expect(await heldIn(pool)).toBe(0)
    })

    test('of a login by the same session name are not ended by the Stop of before', async () => {
      const pool = await poolOf(1)
      const [user, acctSession] = [unique('user'), unique('acct')]
      const first = await login(user, pool, { session: { acctSession } })
      await login(user, pool, { session: { acctSession }, now: NOON + HOUR })
      await tell('stop', first, { acctSession, at: NOON + MINUTE, ipv4: ipv4Of(first) })
      expect(await heldIn(pool)).toBe(1)
    })

    test('of a user’s own address in several sessions are ended by silence alone', async () => {
      const pool = await poolOf(2)
      const [own = ''] = pool.addresses
      const mine = { lease: { address: own } }
      const user = unique('user')
      const [one, other] = [await login(user, pool, mine), await login(user, pool, mine)]
      for (const each of [one, other]) await tell('start', each, { at: NOON + 1000 })
      await tell('stop', other, { at: NOON + MINUTE, ipv4: own })
      expect(await heldIn(pool)).toBe(1)
      await tell('interim', one, { at: NOON + 2 * MINUTE, ipv4: own })
      expect(await records().leases.find(own)).toMatchObject({ lastSeenAt: NOON + 2 * MINUTE })
      await tell('stop', one, { at: NOON + 3 * MINUTE, ipv4: own })
      expect(await heldIn(pool)).toBe(1)
      expect(await reap(other)).toBe(1)
    })

    test('of a user’s own address go on at whichever gateway it is used', async () => {
      const pool = await poolOf(1)
      const [own = ''] = pool.addresses
      const user = unique('user')
      const here = await login(user, pool, { lease: { address: own } })
      await tell('start', here, { at: NOON + 1000 })
      const elsewhere = { lease: { address: own }, session: { gateway: unique('gw') } }
      await login(user, pool, { ...elsewhere, now: NOON + MINUTE })
      await tell('interim', here, { at: NOON + 5 * MINUTE, ipv4: own })
      expect(await records().leases.find(own)).toMatchObject({ lastSeenAt: NOON + 5 * MINUTE })
      expect(await sharedEvents(user)).toEqual([])
      expect(await reap(here)).toBe(1)
      await tell('interim', here, { at: NOON + HOUR + MINUTE, ipv4: own })
      expect(await heldIn(pool)).toBe(1)
    })

    test('go to the session that names the address, if it could not be matched with its login', async () => {
      const pool = await poolOf(1)
      const unheard = await login(unique('user'), pool)
      const ipv4 = ipv4Of(unheard)
      // The tunnel comes from elsewhere than the login did.
      const elsewhere = { ...unheard, address: uniqueAddress() }
      await tell('start', elsewhere, { at: NOON + 1000 })
      await tell('interim', elsewhere, { at: NOON + 5 * MINUTE, ipv4 })
      const lease = await records().leases.find(ipv4)
      expect(lease).toMatchObject({ lastSeenAt: NOON + 5 * MINUTE })
      expect(lease?.session).not.toBe(unheard.session.id)
      await tell('stop', elsewhere, { at: NOON + 6 * MINUTE, ipv4 })
      expect(await heldIn(pool)).toBe(1)
      expect(await reap(unheard)).toBe(1)
    })

    test('follow a session that is matched with its login late', async () => {
      const pool = await poolOf(1)
      const late = await login(unique('user'), pool)
      const ipv4 = ipv4Of(late)
      const elsewhere = { ...late, address: uniqueAddress() }
      await tell('start', elsewhere, { at: NOON + 1000 })
      await tell('interim', elsewhere, { at: NOON + MINUTE, ipv4, seconds: 59 })
      await tell('interim', late, { at: NOON + 2 * MINUTE, ipv4, seconds: 119 })
      expect(await records().leases.find(ipv4)).toMatchObject({
        session: late.session.id,
        lastSeenAt: NOON + 2 * MINUTE,
      })
    })

    test('never name a session that does not exist, in whatever order its first records come', async () => {
      const pool = await poolOf(30)
      const logins = await Promise.all(Array.from({ length: 30 }, () => login(unique('user'), pool)))
      await Promise.all(
        logins.flatMap((each) => {
          const elsewhere = { ...each, address: uniqueAddress() }
          return [
            tell('start', elsewhere, { at: NOON + 1000 }),
            tell('interim', elsewhere, { at: NOON + 2000, ipv4: ipv4Of(each) }),
          ]
        }),
      )
      for (const each of logins) {
        const session = (await records().leases.find(ipv4Of(each)))?.session ?? ''
        expect(await records().sessions.find(session)).toBeDefined()
      }
    })

    test('are not touched by another gateway’s accounting, nor taken by sessions that nobody was admitted for', async () => {
      const pool = await poolOf(5)
      const user = unique('user')
      const [theirs, gateway] = [await login(user, pool), unique('gw')]
      const foreign: Leased = { ...theirs, session: { ...theirs.session, id: id(), gateway } }
      await tell('start', foreign, { at: NOON + 1000 })
      await tell('interim', foreign, { at: NOON + MINUTE, ipv4: ipv4Of(theirs) })
      await tell('stop', foreign, { at: NOON + 2 * MINUTE, ipv4: ipv4Of(theirs) })
      expect((await records().leases.find(ipv4Of(theirs)))?.session).toBe(theirs.session.id)

      const greedy: Leased = { ...foreign, session: { ...foreign.session, id: id() } }
      for (const ipv4 of pool.addresses) await tell('interim', greedy, { at: NOON + 3 * MINUTE, ipv4 })
      expect(await heldIn(pool)).toBe(1)
    })

    test('of two sessions with each other’s address are exchanged when both report at once', async () => {
      const pool = await poolOf(20)
      const pairs = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const user = unique('user')
          const [one, other] = [await login(user, pool), await login(user, pool)]
          for (const each of [one, other]) await tell('start', each, { at: NOON + 1000 })
          return [one, other] as const
        }),
      )
      const at = NOON + MINUTE
      await Promise.all(
        pairs.flatMap(([one, other]) => [
          tell('interim', one, { at, ipv4: ipv4Of(other) }),
          tell('interim', other, { at, ipv4: ipv4Of(one) }),
        ]),
      )
      for (const [one, other] of pairs) {
        expect((await records().leases.find(ipv4Of(one)))?.session).toBe(await sessionNamed(other))
        expect((await records().leases.find(ipv4Of(other)))?.session).toBe(await sessionNamed(one))
      }
    })

    test('of a session that ends before it has reported its address end by reaping, if the user has another', async () => {
      const pool = await poolOf(2)
      const user = unique('user')
      const [one, other] = [await login(user, pool), await login(user, pool)]
      await tell('start', one, { at: NOON + 1000 })
      await tell('start', other, { at: NOON + 1000 })
      await tell('stop', one, { at: NOON + 2000 })
      expect(await heldIn(pool)).toBe(2)
      await tell('stop', other, { at: NOON + 3000, ipv4: ipv4Of(other) })
      expect(await heldIn(pool)).toBe(1)
    })

    test('are taken back by a session that was only thought to be dead', async () => {
      const pool = await poolOf(1)
      const quiet = await login(unique('user'), pool)
      await tell('start', quiet, { at: NOON + 1000 })
      expect(await reap(quiet)).toBe(1)
      await tell('interim', quiet, { at: NOON + HOUR + 1, ipv4: ipv4Of(quiet) })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      // A Stop from before it was taken back belongs to another tunnel.
      await tell('stop', quiet, { at: NOON + HOUR, ipv4: ipv4Of(quiet) })
      expect(await heldIn(pool)).toBe(1)
      await tell('stop', quiet, { at: NOON + HOUR + 2, ipv4: ipv4Of(quiet) })
      expect(await heldIn(pool)).toBe(0)
      // A late record does not bring it back.
      await tell('interim', quiet, { at: NOON + HOUR, ipv4: ipv4Of(quiet) })
      expect(await heldIn(pool)).toBe(0)
    })

    test('that two sessions have are reported in the audit trail, once', async () => {
      const pool = await poolOf(1)
      const [user, heir] = [unique('user'), unique('user')]
      const quiet = await login(user, pool)
      await tell('start', quiet, { at: NOON + 1000 })
      await reap(quiet)
      const ipv4 = ipv4Of(await login(heir, pool, { now: NOON + HOUR }))
      await tell('interim', quiet, { at: NOON + HOUR - 1, ipv4 })
      expect(await sharedEvents(user)).toEqual([])
      await tell('interim', quiet, { at: NOON + HOUR + 1, ipv4 })
      const conflicts = [
        expect.objectContaining({ detail: expect.stringContaining(`has ${ipv4}, which is ${heir}’s`) }),
      ]
      expect(await sharedEvents(user)).toEqual(conflicts)
      await tell('interim', quiet, { at: NOON + HOUR + 2, ipv4 })
      expect(await sharedEvents(user)).toEqual(conflicts)
      await tell('stop', quiet, { at: NOON + HOUR + 2, ipv4 })
      expect(await heldIn(pool)).toBe(1)
    })

    test('survive a change of the pool: what left it is given to nobody else', async () => {
      const pool = await poolOf(4)
      const [user, other] = [unique('user'), unique('user')]
      const [mine, theirs] = [await login(user, pool), await login(other, pool)]
      const [first = '', second = '', third = '', fourth = ''] = pool.addresses
      const narrow = { ...pool, addresses: [second, fourth] }
      await syncPools(records().leases, [narrow])
      expect(await usageOf(pool)).toEqual({ pool: pool.pool, size: 2, held: 1 })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(fourth)
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect((await records().leases.find(first))?.session).toBe(mine.session.id)
      expect(await records().leases.find(third)).toBeUndefined()
      await tell('stop', mine, { at: NOON + MINUTE })
      await tell('stop', theirs, { at: NOON + MINUTE })
      expect(ipv4Of(await login(user, pool))).toBe(second)
      await syncPools(records().leases, [pool])
      expect(await heldIn(pool)).toBe(2)
      expect(ipv4Of(await login(unique('user'), pool))).toBe(third)
    })

    test('move to the new name of their pool, and pools that no configuration names stay as they are', async () => {
      const [pool, others] = [await poolOf(2), await poolOf(1)]
      const held = await login(unique('user'), pool)
      const renamed = { ...pool, pool: unique('pool') }
      await syncPools(records().leases, [renamed])
      expect(await usageOf(pool)).toBeUndefined()
      expect(await usageOf(renamed)).toEqual({ pool: renamed.pool, size: 2, held: 1 })
      expect(await usageOf(others)).toEqual({ pool: others.pool, size: 1, held: 0 })
      await tell('stop', held, { at: NOON + MINUTE })
      expect(await heldIn(renamed)).toBe(0)
    })

    test('of 65,533 addresses are laid out once', { timeout: 120_000 }, async () => {
      // Other tests have theirs in 10.0.0.0/8.
      const addresses = Array.from({ length: 65_533 }, (_, index) => `192.168.${index >> 8}.${index & 255}`)
      const pool = { pool: unique('pool'), addresses }
      await syncPools(records().leases, [pool])
      await syncPools(records().leases, [pool])
      expect(await usageOf(pool)).toEqual({ pool: pool.pool, size: 65_533, held: 0 })
      await syncPools(records().leases, [{ ...pool, addresses: [] }])
      expect(await usageOf(pool)).toBeUndefined()
    })
  })
}
