import { describe, expect, test } from 'vitest'
import { type LeaseWish, type PoolLayout, UNHEARD_MS } from '../../../src/domain/address-pool.ts'
import type { AdmissionAnswer } from '../../../src/domain/login-records.ts'
import type { AccountingRecord, Session } from '../../../src/domain/session.ts'
import type { Records } from '../../../src/store/records.ts'
import {
  accounting,
  admission,
  enrolmentOf,
  HOUR,
  MINUTE,
  NOON,
  unique,
  uniqueAddress,
  userNamed,
} from '../samples.ts'

const KEPT_MS = 25 * MINUTE
const LONG = 24 * HOUR

interface Leased {
  readonly answer: AdmissionAnswer
  readonly session: Session
  readonly address: string
}

export function leaseContract(records: () => Records): void {
  /** A pool that no other test has, with addresses of its own. */
  const layOut = async (size: number, keep: readonly PoolLayout[] = []): Promise<PoolLayout> => {
    const network = uniqueAddress().split('.').slice(0, 3).join('.')
    const addresses = Array.from({ length: size }, (_, index) => `${network}.${index + 2}`)
    const layout = { pool: unique('pool'), addresses }
    await records().leases.layOut([layout, ...keep])
    return layout
  }

  const login = async (
    user: string,
    { pool }: PoolLayout,
    more: { session?: Partial<Session>; now?: number; lease?: Partial<LeaseWish> } = {},
  ): Promise<Leased> => {
    const { now = NOON, session } = more
    const address = uniqueAddress()
    const asked = admission(user, { kind: 'none' }, { address, now, session })
    const answer = await records().login.admit({ ...asked, lease: { pool, keptMs: KEPT_MS, ...more.lease } })
    return { answer, session: asked.session, address }
  }

  const ipv4Of = ({ answer }: Leased): string => {
    if (answer.kind !== 'admitted' || answer.ipv4 === undefined) throw new Error(`${answer.kind}, no address`)
    return answer.ipv4
  }

  /** Tells of the session, under the name that its identifier gives it. */
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

  const heldIn = async ({ pool }: PoolLayout): Promise<number | undefined> =>
    (await records().leases.usage()).find((usage) => usage.pool === pool)?.held

  /** @returns how many are held after it. */
  const reap = async (pool: PoolLayout, now: number, watchedMs: number): Promise<number | undefined> => {
    await records().leases.reap(now, watchedMs)
    return heldIn(pool)
  }

  const sharedEvents = (user: string) => records().audit.list({ user, kind: 'address.shared', limit: 9 })

  describe('leases', () => {
    test('are told by pool, and each login gets an address of its own in the order of the pool', async () => {
      const pool = await layOut(3)
      const { pool: name, addresses } = pool
      expect(await records().leases.usage()).toEqual([{ pool: name, size: 3, held: 0 }])
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      expect([ipv4Of(one), ipv4Of(other)]).toEqual(addresses.slice(0, 2))
      expect(await records().sessionDesk.find(one.session.id)).toEqual({
        ...one.session,
        ...{ pool: name, ipv4: addresses[0] },
      })
      expect(await records().leases.usage()).toEqual([{ pool: name, size: 3, held: 2 }])
    })

    test('are never two for one address, however many log in at once', async () => {
      const pool = await layOut(60)
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
      const pool = await layOut(1)
      await login(unique('user'), pool)
      const user = unique('user')
      const enrolment = enrolmentOf(user, { lastStep: 5 })
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const claim = { kind: 'totp', enrolment: enrolment.id, step: 7 } as const
      const asked = { ...admission(user, claim), lease: { pool: pool.pool, keptMs: KEPT_MS } }
      expect(await records().login.admit(asked)).toEqual({ kind: 'no_address' })
      expect((await records().enrolments.find(user))?.lastStep).toBe(5)
      expect(await records().sessions.list({ user, limit: 9 })).toEqual([])
      expect(await records().audit.list({ user, limit: 9 })).toEqual([])

      const wider = await layOut(2)
      expect(await records().login.admit({ ...asked, lease: { ...asked.lease, pool: wider.pool } })).toEqual({
        ...{ kind: 'admitted', ipv4: wider.addresses[0] },
      })
    })

    test('are not taken by a login whose code was used', async () => {
      const pool = await layOut(5)
      const user = unique('user')
      const enrolment = enrolmentOf(user)
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const asked = () => ({
        ...admission(user, { kind: 'totp', enrolment: enrolment.id, step: 7 }),
        lease: { pool: pool.pool, keptMs: KEPT_MS },
      })
      const answers = await Promise.all(Array.from({ length: 20 }, () => records().login.admit(asked())))
      const kinds = answers.map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'admitted')).toHaveLength(1)
      // Where the database does many at once, those that wait for the code may hold the last addresses meanwhile.
      expect(kinds.filter((kind) => kind !== 'admitted' && kind !== 'no_address')).not.toHaveLength(0)
      expect(await heldIn(pool)).toBe(1)
    })

    test('end with the session, and go to the same user again', async () => {
      const pool = await layOut(3)
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
      const pool = await layOut(2)
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      await tell('stop', other, { at: NOON + MINUTE })
      await tell('stop', one, { at: NOON + 2 * MINUTE })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(other))
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(one))
    })

    test('outlive an administrator’s disconnect, after which a cookie brings the client back', async () => {
      const pool = await layOut(1)
      const first = await login(unique('user'), pool)
      await tell('stop', first, { at: NOON + MINUTE, terminateCause: 'Admin-Reset' })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      await records().leases.reap(NOON + MINUTE + KEPT_MS + 1, LONG)
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(first))
    })

    test('keep out what is a local user’s own', async () => {
      const pool = await layOut(2)
      const [own, free] = pool.addresses
      const user = unique('user')
      await records().users.add(userNamed(user, { attributes: { ipv4: own } }))
      expect(ipv4Of(await login(unique('user'), pool))).toBe(free)
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect(ipv4Of(await login(user, pool, { lease: { address: own } }))).toBe(own)
    })

    test('of a user’s own address are that user’s alone, in as many sessions as there are', async () => {
      const pool = await layOut(2)
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
      const pool = await layOut(5)
      const [user, acctSession] = [unique('user'), unique('acct')]
      const first = await login(user, pool, { session: { acctSession } })
      const again = await login(user, pool, { session: { acctSession }, now: NOON + 1000 })
      expect(ipv4Of(again)).toBe(ipv4Of(first))
      expect(await heldIn(pool)).toBe(1)
      const another = await login(unique('user'), pool, { session: { acctSession: unique('acct') } })
      expect(ipv4Of(another)).not.toBe(ipv4Of(first))
    })

    test('of one user’s sessions that were taken for each other end with the right one', async () => {
      const pool = await layOut(2)
      const user = unique('user')
      const [one, other] = [await login(user, pool), await login(user, pool)]
      await tell('start', one, { at: NOON + 500 })
      await tell('start', other, { at: NOON + 600 })
      // The gateway gave each the other's, as before ocserv 1.5.1 nobody could tell them apart.
      await tell('interim', one, { at: NOON + MINUTE, ipv4: ipv4Of(other) })
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv4: ipv4Of(other) })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(other))
      await tell('stop', other, { at: NOON + 3 * MINUTE, ipv4: ipv4Of(one) })
      expect(ipv4Of(await login(unique('user'), pool))).toBe(ipv4Of(one))
      expect(await sharedEvents(user)).toEqual([])
    })

    test('are reaped when their sessions have been silent for too long, and could have been heard', async () => {
      const pool = await layOut(3)
      const session = { gateway: unique('gw') }
      const [dead, alive] = [
        await login(unique('user'), pool, { session }),
        await login(unique('user'), pool, { session }),
      ]
      await tell('start', dead, { at: NOON + 1000 })
      await tell('start', alive, { at: NOON + 1000 })
      await tell('interim', alive, { at: NOON + 20 * MINUTE, ipv4: ipv4Of(alive) })
      const silence = NOON + 1000 + KEPT_MS
      expect(await reap(pool, silence, LONG)).toBe(2)
      expect(await reap(pool, silence + 1, KEPT_MS)).toBe(2)
      expect(await reap(pool, silence + 1, KEPT_MS + 1)).toBe(1)
    })

    test('of logins that never became sessions are reaped where the gateway tells of later ones', async () => {
      const pool = await layOut(3)
      const session = { gateway: unique('gw') }
      const unheard = await login(unique('user'), pool, { session })
      await login(unique('user'), pool, { session: { gateway: unique('gw') } })
      const later = NOON + UNHEARD_MS + 1
      expect(await reap(pool, later, LONG)).toBe(2)
      const heard = await login(unique('user'), pool, { session, now: NOON + 1000 })
      await tell('start', heard, { at: NOON + 2000 })
      expect(await reap(pool, later - 1, LONG)).toBe(3)
      expect(await reap(pool, later, UNHEARD_MS)).toBe(3)
      expect(await reap(pool, later, UNHEARD_MS + 1)).toBe(2)
      expect(ipv4Of(await login(unheard.session.user, pool))).toBe(ipv4Of(unheard))
    })

    test('are taken back by a session that was only thought to be dead', async () => {
      const pool = await layOut(1)
      const quiet = await login(unique('user'), pool)
      await tell('start', quiet, { at: NOON + 1000 })
      expect(await reap(pool, NOON + HOUR, LONG)).toBe(0)
      await tell('interim', quiet, { at: NOON + HOUR + 1, ipv4: ipv4Of(quiet) })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      await tell('stop', quiet, { at: NOON + HOUR + 2, ipv4: ipv4Of(quiet) })
      expect(await heldIn(pool)).toBe(0)
      // What was on its way for long does not bring it back.
      await tell('interim', quiet, { at: NOON + HOUR, ipv4: ipv4Of(quiet) })
      expect(await heldIn(pool)).toBe(0)
    })

    test('that two sessions have are told in the audit trail, once for each news of it', async () => {
      const pool = await layOut(1)
      const [user, heir] = [unique('user'), unique('user')]
      const quiet = await login(user, pool)
      await tell('start', quiet, { at: NOON + 1000 })
      await records().leases.reap(NOON + HOUR, LONG)
      const ipv4 = ipv4Of(await login(heir, pool, { now: NOON + HOUR }))
      await tell('interim', quiet, { at: NOON + HOUR - 1, ipv4 })
      expect(await sharedEvents(user)).toEqual([])
      await tell('interim', quiet, { at: NOON + HOUR + 1, ipv4 })
      expect(await sharedEvents(user)).toEqual([
        expect.objectContaining({
          detail: expect.stringContaining(`has ${ipv4}, which was leased to ${heir}`),
        }),
      ])
      await tell('stop', quiet, { at: NOON + HOUR + 2, ipv4 })
      expect(await heldIn(pool)).toBe(1)
    })

    test('survive a change of the pools: what left them is given to nobody else', async () => {
      const { leases } = records()
      const pool = await layOut(4)
      const [user, other] = [unique('user'), unique('user')]
      const [mine, theirs] = [await login(user, pool), await login(other, pool)]
      const [, second = '', , fourth = ''] = pool.addresses
      const renamed = { pool: unique('pool'), addresses: [second, fourth] }
      await leases.layOut([renamed])
      expect(await leases.usage()).toEqual([{ pool: renamed.pool, size: 2, held: 1 }])
      expect(ipv4Of(await login(unique('user'), renamed))).toBe(fourth)
      expect((await login(unique('user'), renamed)).answer).toEqual({ kind: 'no_address' })
      await tell('stop', mine, { at: NOON + MINUTE })
      await tell('stop', theirs, { at: NOON + MINUTE })
      expect((await login(user, pool)).answer).toEqual({ kind: 'no_address' })
      expect(ipv4Of(await login(unique('user'), renamed))).toBe(second)
      await leases.layOut([pool])
      expect(await heldIn(pool)).toBe(2)
      expect(ipv4Of(await login(unique('user'), pool))).toBe(pool.addresses[2])
    })

    test('of 65,533 addresses are laid out once', async () => {
      const addresses = Array.from({ length: 65_533 }, (_, index) => `10.7.${index >> 8}.${index & 255}`)
      const pool = { pool: unique('pool'), addresses }
      await records().leases.layOut([pool])
      await records().leases.layOut([pool])
      expect(await records().leases.usage()).toEqual([{ pool: pool.pool, size: 65_533, held: 0 }])
      await records().leases.layOut([])
      expect(await records().leases.usage()).toEqual([])
    })
  })
}
