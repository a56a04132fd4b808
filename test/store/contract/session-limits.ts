import { describe, expect, test } from 'vitest'
import type { Admission, AdmissionAnswer, CodeUse } from '../../../src/domain/login-records.ts'
import { type AccountingRecord, GRANT_TO_START_MS, type Session } from '../../../src/domain/session.ts'
import type { SessionLimit } from '../../../src/domain/session-limit.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, enrolmentOf, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const KEPT_MS = 25 * MINUTE

interface Tried {
  readonly asked: Admission & { readonly session: Session }
  readonly answer: AdmissionAnswer
}

export function sessionLimitContract(records: () => Repositories): void {
  const limit = (most: number, whenFull: SessionLimit['whenFull'], per: SessionLimit['per'] = 'user') => ({
    most,
    whenFull,
    per,
  })

  const login = async (
    user: string,
    sessionLimit: SessionLimit | undefined,
    session: Partial<Session> = {},
    codeUse: CodeUse = { kind: 'none' },
  ): Promise<Tried> => {
    const { updatedAt: now = NOON, address = uniqueAddress() } = session
    const asked = admission(user, codeUse, {
      address,
      now,
      session: { staleAfterMs: KEPT_MS, client: 'openconnect', ...session },
    })
    return { asked, answer: await records().login.admit({ ...asked, sessionLimit }) }
  }

  const tell = (
    kind: AccountingRecord['kind'],
    { asked: { session } }: Tried,
    more: Partial<AccountingRecord> = {},
  ): Promise<void> =>
    records().sessions.record(
      accounting(kind, session.user, session.acctSession ?? `acct-${session.id}`, {
        gateway: session.gateway,
        address: session.address,
        at: session.updatedAt,
        ...more,
      }),
    )

  const connect = async (...args: Parameters<typeof login>): Promise<Tried> => {
    const tried = await login(...args)
    expect(tried.answer.kind).toBe('admitted')
    await tell('start', tried)
    return tried
  }

  const stored = async ({ asked }: Tried): Promise<Session | undefined> =>
    records().sessions.find(asked.session.id)

  const ordered = async (gateway: string) =>
    (await records().orders.open(gateway, 99)).map(({ kind, target, reason }) => ({ kind, target, reason }))

  const endOf = ({ asked: { session } }: Tried) => ({
    kind: 'end',
    target: { session: session.acctSession ?? `acct-${session.id}` },
    reason: 'too_many_sessions',
  })

  describe('a limit of simultaneous sessions', () => {
    test('refuses one more, names those that there are, and spends no code', async () => {
      const user = unique('user')
      const enrolment = enrolmentOf(user, { lastStep: 5 })
      await records().enrolments.replace({ enrolment, recoveryHashes: [] })
      const [one, two] = [await connect(user, limit(2, 'refuse')), await connect(user, limit(2, 'refuse'))]
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step: 7, driftMs: 0 } as const
      const { answer, asked } = await login(user, limit(2, 'refuse'), {}, codeUse)
      expect(answer).toMatchObject({
        kind: 'too_many_sessions',
        live: [{ id: one.asked.session.id }, { id: two.asked.session.id }],
      })
      expect((await records().enrolments.ofSubject(user))[0]?.lastStep).toBe(5)
      expect(await records().sessions.find(asked.session.id)).toBeUndefined()
      expect((await login(unique('user'), limit(2, 'refuse'))).answer.kind).toBe('admitted')
    })

    test('is met by sessions that other policies let in, and by those that only accounting knows', async () => {
      const user = unique('user')
      await connect(user, undefined)
      const address = uniqueAddress()
      await records().sessions.record(accounting('start', user, unique('acct'), { address }))
      expect((await login(user, limit(2, 'refuse'))).answer.kind).toBe('too_many_sessions')
      expect((await login(user, limit(3, 'refuse'))).answer.kind).toBe('admitted')
    })

    test('leaves out sessions that have ended, were withdrawn, are silent, or never began', async () => {
      const user = unique('user')
      const ended = await connect(user, limit(4, 'refuse'))
      await tell('stop', ended, { at: NOON + 1 })
      const { asked } = await login(user, limit(4, 'refuse'))
      await records().login.withdraw({
        session: asked.session.id,
        refused: { ...asked.event, kind: 'login.unavailable' },
        withdrawn: { ...asked.event, id: id(), kind: 'login.withdrawn' },
      })
      const never = await login(user, limit(4, 'refuse'))
      const later = NOON + GRANT_TO_START_MS + 1
      expect((await login(user, limit(1, 'refuse'), { updatedAt: later - 1 })).answer.kind).toBe(
        'too_many_sessions',
      )
      const next = await connect(user, limit(1, 'refuse'), { updatedAt: later })
      expect((await stored(never))?.gaveWayAt).toBe(later)
      const muchLater = later + KEPT_MS + 1
      expect((await login(user, limit(1, 'refuse'), { updatedAt: muchLater - 1 })).answer.kind).toBe(
        'too_many_sessions',
      )
      await connect(user, limit(1, 'refuse'), { updatedAt: muchLater })
      expect((await stored(next))?.gaveWayAt).toBe(muchLater)
    })

    test('takes a device that comes back for the same one, and orders its former session to end', async () => {
      const [user, gateway] = [unique('user'), unique('gw')]
      const phone = { client: 'phone', address: '2001:db8:7::1', gateway }
      const before = await connect(user, limit(1, 'refuse'), phone)
      const others = [
        { ...phone, client: 'laptop' },
        { ...phone, address: '2001:db8:8::1' },
        { ...phone, client: undefined },
      ]
      for (const other of others)
        expect((await login(user, limit(1, 'refuse'), other)).answer.kind).toBe('too_many_sessions')
      expect(await ordered(gateway)).toEqual([])
      const back = await connect(user, limit(1, 'refuse'), {
        ...phone,
        address: '2001:db8:7::2',
        updatedAt: NOON + 1,
      })
      expect(await stored(before)).toMatchObject({ gaveWayAt: NOON + 1 })
      expect(await ordered(gateway)).toEqual([endOf(before)])
      expect(await stored(back)).not.toHaveProperty('gaveWayAt')
    })

    test('leaves two alike devices of one network alone while there are places', async () => {
      const [user, gateway] = [unique('user'), unique('gw')]
      const laptop = { client: 'laptop', address: uniqueAddress(), gateway }
      await connect(user, limit(2, 'refuse'), laptop)
      await connect(user, limit(2, 'refuse'), laptop)
      expect(await ordered(gateway)).toEqual([])
    })

    test('ends the oldest session where it says so, and no other while that one ends', async () => {
      const [user, gateway] = [unique('user'), unique('gw')]
      const sessions: Tried[] = []
      for (const at of [0, 1, 2, 3])
        sessions.push(await connect(user, limit(2, 'end_oldest'), { gateway, updatedAt: NOON + at }))
      const [first, second, third, fourth] = sessions as [Tried, Tried, Tried, Tried]
      expect(await ordered(gateway)).toEqual([endOf(first), endOf(second)])
      expect(await Promise.all([third, fourth].map(stored))).toMatchObject([
        { id: third.asked.session.id },
        { id: fourth.asked.session.id },
      ])
      expect((await records().sessions.standing({ user, subject: user })).map(({ id }) => id).sort()).toEqual(
        [third, fourth].map(({ asked }) => asked.session.id).sort(),
      )
    })

    test('counts by gateway where it says so', async () => {
      const user = unique('user')
      const each = limit(1, 'refuse', 'user_and_gateway')
      await connect(user, each, { gateway: 'gw1' })
      await connect(user, each, { gateway: 'gw2' })
      expect((await login(user, each, { gateway: 'gw2' })).answer.kind).toBe('too_many_sessions')
      expect((await login(user, limit(2, 'refuse'), { gateway: 'gw3' })).answer.kind).toBe(
        'too_many_sessions',
      )
    })

    test.each([1, 3])('is never passed, however many log in at once: %i', async (most) => {
      const user = unique('user')
      const tries = await Promise.all(Array.from({ length: 16 }, () => login(user, limit(most, 'refuse'))))
      const kinds = tries.map(({ answer }) => answer.kind)
      expect(kinds.filter((kind) => kind === 'admitted')).toHaveLength(most)
      expect(kinds.filter((kind) => kind === 'too_many_sessions')).toHaveLength(16 - most)
      expect(await records().sessions.standing({ user, subject: user })).toHaveLength(most)
    })

    test('is never passed where all that log in at once are let in', async () => {
      const user = unique('user')
      const tries = await Promise.all(Array.from({ length: 12 }, () => login(user, limit(2, 'end_oldest'))))
      expect(tries.every(({ answer }) => answer.kind === 'admitted')).toBe(true)
      expect(await records().sessions.standing({ user, subject: user })).toHaveLength(2)
    })

    test('does not take the login that a gateway repeats for another one', async () => {
      const user = unique('user')
      const named = { acctSession: unique('sid'), gateway: unique('gw') }
      await login(user, limit(1, 'refuse'), named)
      const again = await login(user, limit(1, 'refuse'), named)
      expect(again.answer.kind).toBe('admitted')
      expect(await records().sessions.list({ user, limit: 9 })).toMatchObject([
        { id: again.asked.session.id },
      ])
    })
  })

  describe('a session that gave up its place', () => {
    test('is ordered to end as soon as its gateway begins it', async () => {
      const [user, gateway] = [unique('user'), unique('gw')]
      const late = await login(user, limit(1, 'end_oldest'), { gateway })
      await connect(user, limit(1, 'end_oldest'), { gateway, updatedAt: NOON + 1 })
      expect(await ordered(gateway)).toEqual([])
      await tell('start', late, { at: NOON + 2 })
      expect(await ordered(gateway)).toEqual([endOf(late)])
    })

    test('is ordered to end again if it still reports, or comes back by its cookie', async () => {
      const [user, gateway] = [unique('user'), unique('gw')]
      const first = await connect(user, limit(1, 'end_oldest'), { gateway, acctSession: unique('sid') })
      await connect(user, limit(1, 'end_oldest'), { gateway, updatedAt: NOON + 1 })
      const acknowledge = async () => {
        const [open] = await records().orders.open(gateway, 9)
        if (open === undefined) throw new Error('no order is open')
        await records().orders.close(gateway, [{ id: open.id, outcome: 'done' }], 'agent', NOON + 2)
      }
      await acknowledge()
      await tell('interim', first, { at: NOON + MINUTE, seconds: 60 })
      expect(await ordered(gateway)).toEqual([endOf(first)])
      await acknowledge()
      await tell('stop', first, { at: NOON + 2 * MINUTE, terminateCause: 'Admin-Reset' })
      expect(await ordered(gateway)).toEqual([])
      await tell('start', first, { at: NOON + 3 * MINUTE })
      expect(await ordered(gateway)).toEqual([endOf(first)])
      expect(await records().sessions.standing({ user, subject: user })).toHaveLength(1)
    })
  })

  describe('a login that names a session which has ended', () => {
    test('is a session of its own, and the other stays as it was', async () => {
      const user = unique('user')
      const named = { acctSession: unique('sid'), gateway: unique('gw'), address: uniqueAddress() }
      const first = await connect(user, undefined, named)
      const end = { seconds: 600, octetsIn: 7, octetsOut: 8, terminateCause: 'User-Request' }
      await tell('stop', first, { ...end, at: NOON + 10 * MINUTE })
      const before = await stored(first)
      const second = await login(user, undefined, { ...named, updatedAt: NOON + 20 * MINUTE })
      expect(second.answer.kind).toBe('admitted')
      expect(await stored(first)).toEqual(before)
      // The Stop of the first comes once more, and then the Start of the second.
      await tell('stop', first, { ...end, at: NOON + 10 * MINUTE })
      expect(await stored(first)).toEqual(before)
      expect(await stored(second)).not.toHaveProperty('stoppedAt')
      await tell('start', second, { at: NOON + 20 * MINUTE - 1 })
      expect(await stored(second)).toMatchObject({ startedAt: NOON + 20 * MINUTE - 1, octetsIn: 0 })
      expect(await stored(first)).toEqual(before)
    })
  })
}
