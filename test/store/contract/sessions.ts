import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountingRecord, Session } from '../../../src/domain/session.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, HOUR, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'
import { type ReportedSession, reportedSessions } from './reported-sessions.ts'

export function sessionContract(records: () => Repositories): void {
  const admit = async (user: string, more: Parameters<typeof admission>[2]): Promise<Session> => {
    const entry = admission(user, { kind: 'none' }, more)
    await records().login.admit(entry)
    return entry.session
  }
  const only = async (user: string): Promise<Session> => {
    const [session, ...others] = await records().sessions.list({ user, limit: 9 })
    if (session === undefined || others.length > 0) throw new Error(`${others.length + 1} sessions, not one`)
    return session
  }
  const record = async (...entries: readonly AccountingRecord[]): Promise<void> => {
    for (const entry of entries) await records().sessions.record(entry)
  }

  describe('sessions', () => {
    test('go from the login through Start and Interim to Stop', async () => {
      const { sessions } = records()
      const [user, acct, address] = [unique('user'), unique('acct'), uniqueAddress()]
      const granted = await admit(user, { address, session: { ipv4: '10.8.0.9', client: 'AnyConnect' } })
      expect(await sessions.list({ user, open: true, limit: 9 })).toEqual([granted])
      await record(accounting('start', user, acct, { address, at: NOON + 500 }))
      const started = { ...granted, acctSession: acct, startedAt: NOON + 500, updatedAt: NOON + 500 }
      expect(await only(user)).toEqual(started)
      const interim = { address, at: NOON + HOUR, seconds: 3600, octetsIn: 5_000_000_000, octetsOut: 7 }
      await record(accounting('interim', user, acct, { ...interim, ipv4: '10.8.0.9' }))
      const known = {
        ...started,
        seconds: 3600,
        octetsIn: 5_000_000_000,
        octetsOut: 7,
        updatedAt: NOON + HOUR,
      }
      expect(await only(user)).toEqual(known)
      const end = NOON + HOUR + MINUTE
      const stop = { ...interim, at: end, seconds: 3660, terminateCause: 'User-Request' }
      await record(accounting('stop', user, acct, stop))
      expect(await only(user)).toEqual({
        ...known,
        seconds: 3660,
        updatedAt: end,
        stoppedAt: end,
        terminateCause: 'User-Request',
      })
      expect(await sessions.list({ user, open: true, limit: 9 })).toEqual([])
      expect(await sessions.list({ user, open: false, limit: 9 })).toHaveLength(1)
    })

    test('end the same for any order and repetition of their records', async () => {
      await fc.assert(
        fc.asyncProperty(reportedSessions, async (reported: ReportedSession) => {
          const [user, address] = [unique('user'), uniqueAddress()]
          const { login, arrivals, expected } = reported.of(user, unique('acct'), address)
          const granted = login === undefined ? undefined : await admit(user, login)
          await record(...arrivals)
          expect(await only(user)).toEqual({ ...granted, id: expect.any(String), ...expected })
        }),
        { numRuns: 40 },
      )
    })

    test('end the same when their records come at once', async () => {
      const [user, acct, address] = [unique('user'), unique('acct'), uniqueAddress()]
      await admit(user, { address })
      const interims = Array.from({ length: 20 }, (_, minute) =>
        accounting('interim', user, acct, {
          address,
          at: NOON + minute * MINUTE,
          seconds: minute * 60,
          octetsIn: minute,
        }),
      )
      const start = accounting('start', user, acct, { address, at: NOON })
      await Promise.all([...interims, start, start].map((entry) => records().sessions.record(entry)))
      expect(await only(user)).toMatchObject({
        acctSession: acct,
        grantedAt: NOON,
        startedAt: NOON,
        seconds: 19 * 60,
        octetsIn: 19,
      })
    })

    test('are matched with a login whose name had a realm appended', async () => {
      const [user, acct, address] = [unique('bob'), unique('acct'), uniqueAddress()]
      const granted = await admit(`${user}@corp.example`, { address })
      await record(accounting('start', user, acct, { address }))
      expect(await only(user)).toMatchObject({
        id: granted.id,
        user: `${user}@corp.example`,
        acctSession: acct,
      })
    })

    test('are not matched with the login of another name, address, gateway or time', async () => {
      const [user, address] = [unique('bob'), uniqueAddress()]
      const strangers = [
        await admit(`${user}by@corp.example`, { address }),
        await admit(user, { address: uniqueAddress() }),
        await admit(user, { address, session: { gateway: 'gw2' } }),
        await admit(user, { address, now: NOON - 6 * MINUTE }),
        await admit(user, { address, now: NOON + MINUTE }),
      ]
      await record(accounting('start', user, unique('acct'), { address }))
      const listed = [
        ...(await records().sessions.list({ user, limit: 9 })),
        ...(await records().sessions.list({ user: `${user}by`, limit: 9 })),
      ]
      expect(listed).toHaveLength(strangers.length + 1)
      for (const stranger of strangers) expect(listed).toContainEqual(stranger)
    })

    test('are matched with their login by a Stop alone, an hour later', async () => {
      const [user, acct, address] = [unique('user'), unique('acct'), uniqueAddress()]
      const granted = await admit(user, { address })
      await record(accounting('stop', user, acct, { address, at: NOON + HOUR, seconds: 3600 }))
      expect(await only(user)).toMatchObject({ id: granted.id, acctSession: acct, stoppedAt: NOON + HOUR })
    })

    test('are matched with one login each, the latest first', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      const first = await admit(user, { address, now: NOON })
      const second = await admit(user, { address, now: NOON + 1000 })
      await record(accounting('start', user, `a${address}`, { address, at: NOON + 2000 }))
      await record(accounting('start', user, `b${address}`, { address, at: NOON + 3000 }))
      const tied = Object.fromEntries(
        (await records().sessions.list({ user, limit: 9 })).map(({ id, acctSession }) => [id, acctSession]),
      )
      expect(tied).toEqual({ [second.id]: `a${address}`, [first.id]: `b${address}` })
    })

    test('that the login named are matched by that name, whatever the address of the user', async () => {
      const [user, acctSession] = [unique('user'), unique('acct')]
      const granted = await admit(user, { address: uniqueAddress(), session: { acctSession } })
      const address = uniqueAddress()
      await record(accounting('start', user, acctSession, { address, at: NOON + HOUR }))
      expect(await only(user)).toMatchObject({ id: granted.id, address, startedAt: NOON + HOUR })
    })

    test('follow a user who roams', async () => {
      const [user, acct, home, train] = [unique('user'), unique('acct'), uniqueAddress(), uniqueAddress()]
      await record(accounting('start', user, acct, { address: home }))
      await record(accounting('interim', user, acct, { address: train, at: NOON + HOUR, seconds: 3600 }))
      // One that was delayed on its way does not send the user home again.
      await record(accounting('interim', user, acct, { address: home, at: NOON + MINUTE, seconds: 60 }))
      expect((await only(user)).address).toBe(train)
    })

    test('survive counters that no number holds', async () => {
      const [user, acct] = [unique('user'), unique('acct')]
      await record(accounting('interim', user, acct, { octetsIn: 2 ** 60, octetsOut: 2 ** 64 }))
      expect(await only(user)).toMatchObject({
        octetsIn: Number.MAX_SAFE_INTEGER,
        octetsOut: Number.MAX_SAFE_INTEGER,
      })
    })

    test('under a name that has ended before are sessions of their own', async () => {
      const { sessions } = records()
      const [user, acct] = [unique('user'), unique('acct')]
      const at = (minutes: number) => ({ at: NOON + minutes * MINUTE })
      await record(
        accounting('start', user, acct, at(0)),
        accounting('stop', user, acct, { ...at(1), octetsIn: 7 }),
        accounting('start', user, acct, at(2)),
        accounting('interim', user, acct, { ...at(3), octetsIn: 5 }),
      )
      const first = { acctSession: acct, startedAt: NOON, stoppedAt: NOON + MINUTE, octetsIn: 7 }
      const second = { acctSession: acct, startedAt: NOON + 2 * MINUTE, octetsIn: 5 }
      const listed = await sessions.list({ user, order: 'oldest', limit: 9 })
      expect(listed).toMatchObject([first, second])
      expect(listed[1]?.stoppedAt).toBeUndefined()

      // What comes late, or twice, belongs to the session of its time.
      await record(
        accounting('start', user, acct, at(0)),
        accounting('stop', user, acct, { ...at(1), octetsIn: 8 }),
        accounting('start', user, acct, at(2)),
      )
      const again = await sessions.list({ user, order: 'oldest', limit: 9 })
      expect(again).toMatchObject([{ ...first, octetsIn: 8 }, second])
      expect(again[1]?.stoppedAt).toBeUndefined()

      await record(accounting('stop', user, acct, at(4)), accounting('start', user, acct, at(5)))
      expect(await sessions.list({ user, order: 'oldest', limit: 9 })).toMatchObject([
        { stoppedAt: NOON + MINUTE },
        { stoppedAt: NOON + 4 * MINUTE },
        { acctSession: acct, startedAt: NOON + 5 * MINUTE },
      ])
      expect(await sessions.find(listed[0]?.id ?? '')).toMatchObject({ acctSession: acct })
    })

    test('that begin at once under a name that has ended are one', async () => {
      const [user, acct] = [unique('user'), unique('acct')]
      await record(accounting('start', user, acct), accounting('stop', user, acct, { at: NOON + 1000 }))
      const start = accounting('start', user, acct, { at: NOON + 2000 })
      await Promise.all(Array.from({ length: 5 }, () => record(start)))
      expect(await records().sessions.list({ user, limit: 9 })).toHaveLength(2)
    })

    test('of a server end when it starts anew, and their addresses are free', async () => {
      const { sessions } = records()
      const [user, other, gateway] = [unique('user'), unique('user'), unique('gw')]
      const own = { gateway, nas: '192.0.2.1' }
      const restart = { kind: 'restart', gateway, nas: '192.0.2.1', at: NOON + HOUR } as const
      await record(
        accounting('start', user, unique('acct'), { ...own, at: NOON }),
        accounting('start', user, unique('acct'), { ...own, at: NOON + HOUR + 1 }),
        accounting('start', other, unique('acct'), { gateway, nas: '192.0.2.1 fra', at: NOON }),
        accounting('start', other, unique('acct'), { gateway: unique('gw'), nas: '192.0.2.1', at: NOON }),
      )
      await sessions.record(restart)
      await sessions.record(restart)
      expect(await sessions.list({ user, order: 'oldest', limit: 9 })).toMatchObject([
        { stoppedAt: NOON + HOUR, terminateCause: 'NAS-Reboot' },
        { startedAt: NOON + HOUR + 1 },
      ])
      expect(await sessions.list({ user, open: true, limit: 9 })).toHaveLength(1)
      expect(await sessions.list({ user: other, open: true, limit: 9 })).toHaveLength(2)
    })

    test('are found by every spelling of the name, newest first, a page at a time', async () => {
      const { sessions } = records()
      const user = unique('user')
      const names = [user, user.toUpperCase(), `${user}@corp.example`, `CORP\\${user}`]
      for (const name of names) await record(accounting('start', name, unique('acct')))
      const all = await sessions.list({ user, limit: 9 })
      expect(all.map((session) => session.user).sort()).toEqual([...names].sort())
      expect(all.map(({ id }) => id)).toEqual(
        all
          .map(({ id }) => id)
          .sort()
          .reverse(),
      )
      const first = await sessions.list({ user, limit: 3 })
      const rest = await sessions.list({ user, limit: 3, after: first[2]?.id ?? '' })
      expect([...first, ...rest]).toEqual(all)
    })
  })
}
