import { describe, expect, test } from 'vitest'
import { type HeldLease, layoutsOf, poolKey } from '../../../src/domain/address-pool.ts'
import type { AdmissionAnswer } from '../../../src/domain/login-records.ts'
import { parseNetwork } from '../../../src/domain/network.ts'
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

interface Pool {
  readonly name: string
  readonly prefix: number
  /** `2001:db8:12:3400` */
  readonly base: string
  readonly hasIpv4: boolean
}

interface Leased {
  readonly answer: AdmissionAnswer
  readonly session: Session
  readonly address: string
  readonly ipv4?: string
  readonly ipv6?: string
}

let made = 0

export function prefixLeaseContract(records: () => Repositories): void {
  const lay = async ({ name, prefix, base, hasIpv4 }: Pool, length: number): Promise<void> => {
    const ipv4 = hasIpv4
      ? parseNetwork(`${uniqueAddress().split('.').slice(0, 3).join('.')}.0/24`)
      : undefined
    const network = parseNetwork(`${base}::/${length}`) ?? expect.unreachable()
    await syncPools(
      records().leases,
      layoutsOf({ name, ipv4, ipv6: { network, prefix }, exclude: [], holdMs: 0 }),
    )
  }

  /** A pool that no other test has. @param bits of the number of its prefixes. */
  const poolOf = async (bits: number, { prefix = 64, hasIpv4 = false } = {}): Promise<Pool> => {
    made++
    const base = `2001:db8:${(made >> 8).toString(16)}:${((made & 0xff) << 8).toString(16)}`
    const pool = { name: unique('pool'), prefix, base, hasIpv4 }
    await lay(pool, prefix - bits)
    return pool
  }

  const login = async (
    user: string,
    { name, prefix, hasIpv4 }: Pool,
    more: { session?: Partial<Session>; now?: number; own?: string } = {},
  ): Promise<Leased> => {
    const { now = NOON, session, own } = more
    const address = uniqueAddress()
    const asked = admission(user, { kind: 'none' }, { address, now, session })
    const answer = await records().login.admit({
      ...asked,
      lease: hasIpv4 ? { pool: poolKey(name), staleAfterMs: KEPT_MS } : undefined,
      lease6: { pool: poolKey(name, prefix), address: own, staleAfterMs: KEPT_MS },
    })
    const { ipv4, ipv6 } = answer.kind === 'admitted' ? answer : {}
    return { answer, session: asked.session, address, ipv4, ipv6 }
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

  const usageOf = async ({ name }: Pool) => {
    const of = (await records().leases.usage()).filter(({ pool }) => pool === name)
    return Object.fromEntries(of.map(({ family, size, held }) => [family, `${held} of ${size}`]))
  }
  const heldIn = async ({ name }: Pool) =>
    (await records().leases.usage()).find((each) => each.pool === name && each.family === 'ipv6')?.held
  const holderOf = async (address: string | undefined) =>
    (await records().leases.find(address ?? ''))?.session
  const reap = async (...addresses: readonly (string | undefined)[]): Promise<number> => {
    const found = await Promise.all(addresses.map((each) => records().leases.find(each ?? '')))
    return records().leases.reap(
      found.filter((lease): lease is HeldLease => lease?.session !== undefined),
      NOON + HOUR,
    )
  }

  describe('leases of IPv6 prefixes', () => {
    test('are given with an IPv4 address, and end with it', async () => {
      const pool = await poolOf(2, { hasIpv4: true })
      expect(await usageOf(pool)).toEqual({ ipv4: '0 of 253', ipv6: '0 of 4' })
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      expect([one.ipv6, other.ipv6]).toEqual([`${pool.base}::2`, expect.stringMatching(/1::2$/)])
      expect(await records().sessions.find(one.session.id)).toEqual({
        ...one.session,
        pool: pool.name,
        ipv4: one.ipv4,
        ipv6: one.ipv6,
      })
      expect(await usageOf(pool)).toEqual({ ipv4: '2 of 253', ipv6: '2 of 4' })
      await tell('start', one, { at: NOON + 1000 })
      await tell('stop', one, { at: NOON + MINUTE, ipv4: one.ipv4, ipv6: one.ipv6 })
      expect(await usageOf(pool)).toEqual({ ipv4: '1 of 253', ipv6: '1 of 4' })
    })

    test('are never two for one prefix, however many log in at once', async () => {
      const pool = await poolOf(5)
      const logins = await Promise.all(Array.from({ length: 50 }, () => login(unique('user'), pool)))
      const admitted = logins.filter(({ answer }) => answer.kind === 'admitted')
      expect(logins.filter(({ answer }) => answer.kind === 'no_address')).toHaveLength(50 - 32)
      expect(new Set(admitted.map(({ ipv6 }) => ipv6)).size).toBe(32)
      expect(await heldIn(pool)).toBe(32)
    })

    test('are all or nothing with the IPv4 address, the code and the session', async () => {
      const pool = await poolOf(0, { hasIpv4: true })
      const first = await login(unique('user'), pool)
      const user = unique('user')
      const enrolment = enrolmentOf(user, { lastStep: 5 })
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step: 7, driftMs: 0 } as const
      const asked = {
        ...admission(user, codeUse),
        lease: { pool: poolKey(pool.name), staleAfterMs: KEPT_MS },
        lease6: { pool: poolKey(pool.name, 64), staleAfterMs: KEPT_MS },
      }
      expect(await records().login.admit(asked)).toEqual({ kind: 'no_address' })
      expect(await usageOf(pool)).toEqual({ ipv4: '1 of 253', ipv6: '1 of 1' })
      expect((await records().enrolments.ofSubject(user))[0]?.lastStep).toBe(5)
      expect(await records().sessions.list({ user, limit: 9 })).toEqual([])

      await tell('stop', first, { at: NOON + MINUTE, ipv4: first.ipv4, ipv6: first.ipv6 })
      const noIpv4 = { ...asked, lease: { ...asked.lease, pool: unique('pool') } }
      expect(await records().login.admit(noIpv4)).toEqual({ kind: 'no_address' })
      expect(await usageOf(pool)).toEqual({ ipv4: '0 of 253', ipv6: '0 of 1' })
      expect(await records().login.admit(asked)).toEqual({
        kind: 'admitted',
        ipv4: expect.any(String),
        ipv6: first.ipv6,
      })
      expect(await usageOf(pool)).toEqual({ ipv4: '1 of 253', ipv6: '1 of 1' })
    })

    test('go to the same user again, and to others in the order in which they were freed', async () => {
      const pool = await poolOf(1)
      const [user, other] = [unique('user'), unique('user')]
      const [one, two] = [await login(user, pool), await login(other, pool)]
      await tell('stop', two, { at: NOON + MINUTE, ipv6: two.ipv6 })
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv6: one.ipv6 })
      expect((await login(user, pool)).ipv6).toBe(one.ipv6)
      expect((await login(unique('user'), pool)).ipv6).toBe(two.ipv6)
    })

    test('are kept by reports of any address in them, and freed by a Stop that names one', async () => {
      const pool = await poolOf(1)
      const one = await login(unique('user'), pool)
      await tell('start', one, { at: NOON + 1000 })
      await tell('interim', one, { at: NOON + MINUTE, ipv6: `${pool.base}::77` })
      expect(await records().leases.find(one.ipv6 ?? '')).toMatchObject({ lastSeenAt: NOON + MINUTE })
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv6: `${pool.base}:ffff::1` })
      expect(await heldIn(pool)).toBe(0)
    })

    test('are kept and freed with what else the reports name, or where they name nothing', async () => {
      const pool = await poolOf(2, { hasIpv4: true })
      const [one, other] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      for (const each of [one, other]) {
        await tell('start', each, { at: NOON + 1000 })
        expect(await records().leases.find(each.ipv6 ?? '')).toMatchObject({ lastSeenAt: NOON + 1000 })
      }
      await tell('interim', one, { at: NOON + MINUTE, ipv4: one.ipv4 })
      expect(await records().leases.find(one.ipv6 ?? '')).toMatchObject({ lastSeenAt: NOON + MINUTE })
      await tell('interim', other, { at: NOON + MINUTE, ipv6: other.ipv6 })
      expect(await records().leases.find(other.ipv4 ?? '')).toMatchObject({ lastSeenAt: NOON + MINUTE })
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv4: one.ipv4 })
      await tell('stop', other, { at: NOON + 2 * MINUTE })
      expect(await usageOf(pool)).toEqual({ ipv4: '0 of 253', ipv6: '0 of 4' })
    })

    test('outlive an administrator’s disconnect, and end by silence', async () => {
      const pool = await poolOf(0)
      const first = await login(unique('user'), pool)
      await tell('stop', first, { at: NOON + MINUTE, ipv6: first.ipv6, terminateCause: 'Admin-Reset' })
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect(await reap(first.ipv6)).toBe(1)
      expect((await login(unique('user'), pool)).ipv6).toBe(first.ipv6)
    })

    test('of a login that is taken back are free, in both families', async () => {
      const pool = await poolOf(1, { hasIpv4: true })
      const { session } = await login(unique('user'), pool)
      const event = { id: id(), at: NOON, kind: 'login.withdrawn', user: session.user } as const
      const accepted = (await records().audit.list({ user: session.user, limit: 1 }))[0]
      const refused = { ...event, id: accepted?.id ?? '', kind: 'login.unavailable' } as const
      expect(await records().login.withdraw({ session: session.id, refused, withdrawn: event })).toBe(true)
      expect(await usageOf(pool)).toEqual({ ipv4: '0 of 253', ipv6: '0 of 2' })
    })

    test('around a local user’s own address are not given to others', async () => {
      const pool = await poolOf(1)
      const [user, own] = [unique('user'), `${pool.base}::77`]
      await records().users.add(userNamed(user, { attributes: { ipv6: own } }))
      const other = await login(unique('user'), pool)
      expect(other.ipv6).not.toBe(`${pool.base}::2`)
      expect((await login(unique('user'), pool)).answer).toEqual({ kind: 'no_address' })
      expect(await usageOf(pool)).toEqual({ ipv6: '1 of 1' })

      const mine = { own: `${pool.base}::2`, session: { ipv6: own } }
      const leased = await login(user, pool, mine)
      expect(leased.answer.kind).toBe('admitted')
      expect((await records().sessions.find(leased.session.id))?.ipv6).toBe(own)
      expect((await login(unique('user'), pool, mine)).answer).toEqual({ kind: 'no_address' })
      await tell('interim', leased, { at: NOON + MINUTE, ipv6: own })
      expect(await records().leases.find(own)).toMatchObject({
        session: leased.session.id,
        lastSeenAt: NOON + MINUTE,
      })
      await records().users.change(user, { attributes: {} })
      await tell('stop', leased, { at: NOON + 2 * MINUTE, ipv6: own })
      expect((await login(unique('user'), pool)).ipv6).toBe(`${pool.base}::2`)
    })

    test('of one user’s sessions that were taken for each other are exchanged, apart from their IPv4 addresses', async () => {
      const pool = await poolOf(2, { hasIpv4: true })
      const user = unique('user')
      const [one, other] = [await login(user, pool), await login(user, pool)]
      for (const each of [one, other]) await tell('start', each, { at: NOON + 1000 })
      const sessionNamed = async ({ session }: Leased) =>
        (await records().sessions.list({ user, limit: 9 })).find(
          ({ acctSession }) => acctSession === `acct-${session.id}`,
        )?.id
      await tell('interim', one, { at: NOON + MINUTE, ipv4: one.ipv4, ipv6: other.ipv6 })
      expect(await holderOf(other.ipv6)).toBe(await sessionNamed(one))
      expect(await holderOf(one.ipv6)).toBe(await sessionNamed(other))
      expect(await usageOf(pool)).toEqual({ ipv4: '2 of 253', ipv6: '2 of 4' })
      // It is not certain which of the two a Stop means.
      await tell('stop', one, { at: NOON + 2 * MINUTE, ipv4: one.ipv4, ipv6: other.ipv6 })
      expect(await heldIn(pool)).toBe(2)
    })

    test('are taken back by a session that was only thought to be dead; two sessions with one are reported', async () => {
      const pool = await poolOf(0, { hasIpv4: true })
      const [user, heir] = [unique('user'), unique('user')]
      const quiet = await login(user, pool)
      await tell('start', quiet, { at: NOON + 1000 })
      expect(await reap(quiet.ipv4, quiet.ipv6)).toBe(2)
      await tell('interim', quiet, { at: NOON + HOUR + 1, ipv4: quiet.ipv4, ipv6: quiet.ipv6 })
      expect(await usageOf(pool)).toEqual({ ipv4: '1 of 253', ipv6: '1 of 1' })
      expect((await login(heir, pool)).answer).toEqual({ kind: 'no_address' })
      await records().leases.reap(
        [(await records().leases.find(quiet.ipv6 ?? '')) as HeldLease],
        NOON + HOUR + 2,
      )
      await login(heir, pool, { now: NOON + 2 * HOUR })
      await tell('interim', quiet, { at: NOON + 3 * HOUR, ipv6: quiet.ipv6 })
      const shared = await records().audit.list({ user, kinds: ['address.shared'], limit: 9 })
      expect(shared).toMatchObject([
        { detail: expect.stringContaining(`has ${quiet.ipv6}, which is ${heir}’s`) },
      ])
    })

    test('are found and released by any of their addresses', async () => {
      const pool = await poolOf(0)
      const stuck = await login(unique('user'), pool)
      const event = { id: id(), at: NOON + HOUR, kind: 'address.released', actor: 'alice' } as const
      expect(await holderOf(`${pool.base}:1::9`)).toBe(stuck.session.id)
      expect(await records().leases.release('2001:db9::', event)).toBeUndefined()
      expect(await records().leases.release(`${pool.base}:1::9`, event)).toMatchObject({
        address: stuck.ipv6,
      })
      expect(await heldIn(pool)).toBe(0)
    })

    test('are not used up by a user who logs in again and again and never connects', async () => {
      const pool = await poolOf(4, { hasIpv4: true })
      const user = unique('user')
      for (let times = 0; times < 10; times++) await login(user, pool, { now: NOON + times })
      expect(await usageOf(pool)).toEqual({ ipv4: '3 of 253', ipv6: '3 of 16' })
    })

    test('of another length are given only where no session has a part of them', async () => {
      const pool = await poolOf(2)
      const [one, two] = [await login(unique('user'), pool), await login(unique('user'), pool)]
      await tell('stop', one, { at: NOON + MINUTE, ipv6: one.ipv6 })
      const wider = { ...pool, prefix: 63 }
      await lay(wider, 62)
      // The second of four is held, so the first of two is not given.
      expect(await usageOf(wider)).toEqual({ ipv6: '0 of 1' })
      const after = await login(unique('user'), wider)
      expect(after.answer.kind).toBe('admitted')
      expect((await login(unique('user'), wider)).answer).toEqual({ kind: 'no_address' })
      expect(await holderOf(two.ipv6)).toBe(two.session.id)
      await tell('stop', two, { at: NOON + MINUTE, ipv6: two.ipv6 })
      await lay(wider, 62)
      expect(await usageOf(wider)).toEqual({ ipv6: '1 of 2' })

      const single = { ...pool, prefix: 128 }
      await tell('stop', after, { at: NOON + MINUTE, ipv6: after.ipv6 })
      await lay(single, 126)
      expect(await usageOf(wider)).toEqual({ ipv6: '0 of 2' })
      expect((await login(unique('user'), single)).ipv6).toBe(`${pool.base}::2`)
    })

    test('follow a pool that is renamed', async () => {
      const pool = await poolOf(1)
      const held = await login(unique('user'), pool)
      const renamed = { ...pool, name: unique('pool') }
      await lay(renamed, 63)
      expect(await usageOf(pool)).toEqual({})
      expect(await usageOf(renamed)).toEqual({ ipv6: '1 of 2' })
      await tell('stop', held, { at: NOON + MINUTE, ipv6: held.ipv6 })
      expect(await heldIn(renamed)).toBe(0)
    })
  })
}
