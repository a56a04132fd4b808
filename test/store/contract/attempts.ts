import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../../../src/domain/audit.ts'
import { earliestId } from '../../../src/domain/record-id.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, HOUR, id, MINUTE, unique } from '../samples.ts'

/** How attempts are counted and grouped. */
export function attemptContract(records: () => Repositories): void {
  /** A time and a network of its own: the store is shared. */
  const aDay = () => Date.UTC(2031, 4, 1) + randomBytes(2).readUInt16BE() * 24 * HOUR
  const aNetwork = () => `10.${[...randomBytes(2)].join('.')}.`

  async function attempt(at: number, user: string, address: string, more: Partial<AuditEvent> = {}) {
    const event = {
      id: earliestId(at).slice(0, 24) + id().slice(24),
      at,
      kind: 'login.refused',
      reason: 'bad_credentials',
      gateway: 'gw1',
      user,
      address,
    } as const
    await records().audit.append({ ...event, ...more })
  }

  describe('attempts', () => {
    test('are counted by network, address, user, gateway and hour', async () => {
      const { attempts, audit } = records()
      const [day, near, far] = [aDay(), aNetwork(), aNetwork()]
      const [anna, ben] = [unique('anna'), unique('ben')]
      await attempt(day + MINUTE, anna, `${near}1`)
      await attempt(day + 2 * MINUTE, anna, `${near}2`, { reason: 'locked', times: 6 })
      await attempt(day + 70 * MINUTE, anna, `${near}1`, { kind: 'login.accepted', reason: undefined })
      await attempt(day + 71 * MINUTE, ben, `${far}9`, { gateway: 'gw2' })
      await attempt(day + 72 * MINUTE, ben, `${far}9`, { kind: 'login.challenged' })
      await audit.append({ id: id(), at: day, kind: 'user.added', user: anna, address: `${near}1` })
      const window = { since: day, before: day + 2 * HOUR, limit: 9 }
      const counts = async (search: Omit<Parameters<typeof attempts.tally>[0], keyof typeof window>) =>
        (await attempts.tally({ ...window, ...search })).map(({ key, accepted, refused, locked }) => [
          key,
          accepted,
          refused,
          locked,
        ])
      expect(await attempts.tally({ ...window, by: 'network', limit: 1 })).toEqual([
        {
          key: `${near}0/24`,
          ...{ accepted: 1, refused: 1, locked: 6, addresses: 2, users: 1 },
          ...{ first: day + MINUTE, last: day + 70 * MINUTE },
        },
      ])
      expect(await counts({ by: 'address' })).toEqual([
        [`${near}2`, 0, 0, 6],
        [`${near}1`, 1, 1, 0],
        [`${far}9`, 0, 1, 0],
      ])
      expect(await counts({ by: 'user' })).toEqual([
        [anna, 1, 1, 6],
        [ben, 0, 1, 0],
      ])
      expect(await counts({ by: 'gateway' })).toEqual([
        ['gw1', 1, 1, 6],
        ['gw2', 0, 1, 0],
      ])
      expect(await counts({ by: 'hour' })).toEqual([
        [String(day + HOUR), 1, 1, 0],
        [String(day), 0, 1, 6],
      ])
      expect(await counts({ by: 'user', gateway: 'gw2' })).toEqual([[ben, 0, 1, 0]])
      expect(await counts({ by: 'user', address: `${near}0/24` })).toEqual([[anna, 1, 1, 6]])
      expect(await counts({ by: 'user', address: `${near}2` })).toEqual([[anna, 0, 0, 6]])
      expect(await counts({ by: 'network', user: ben })).toEqual([[`${far}0/24`, 0, 1, 0]])
    })

    test('that fail much are found by network and hour, with those who got in', async () => {
      const { attempts } = records()
      const [day, network] = [aDay(), aNetwork()]
      const [lucky, later] = [unique('lucky'), unique('later')]
      for (let minute = 0; minute < 5; minute++)
        await attempt(day + minute * MINUTE, lucky, `${network}${minute}`)
      await attempt(day + HOUR, lucky, `${network}1`)
      const signedIn = { kind: 'login.accepted', reason: undefined } as const
      await attempt(day + 30 * MINUTE, later, `${network}1`, signedIn)
      await attempt(day + 10 * MINUTE, lucky, `${network}1`, signedIn)
      await attempt(day + 20 * MINUTE, lucky, `${network}7`, signedIn)
      expect(await attempts.failingNetworks(day, day + 2 * HOUR, 5)).toEqual([
        {
          network: `${network}0/24`,
          hour: day,
          ...{ accepted: 3, failed: 5, first: day, last: day + 30 * MINUTE },
        },
      ])
      const letIn = (since: number, limit = 9) =>
        attempts.letInFrom(`${network}0/24`, since, day + 2 * HOUR, limit)
      expect(await letIn(day)).toEqual([lucky, later])
      expect(await letIn(day, 1)).toEqual([lucky])
      expect(await letIn(day + 25 * MINUTE)).toEqual([later])
    })
  })

  describe('sessions at a time', () => {
    test('are counted, with the most that there were', async () => {
      const { sessions } = records()
      const now = Date.now()
      const before = await sessions.crowd(now - HOUR, now)
      const record = (kind: 'start' | 'stop', name: string, at: number) =>
        sessions.record(accounting(kind, unique('user'), name, { at }))
      const names = [unique('acct'), unique('acct'), unique('acct')] as const
      for (const name of names) await record('start', name, now - 30 * MINUTE)
      await record('stop', names[0], now - 20 * MINUTE)
      const after = await sessions.crowd(now - HOUR, now)
      expect(after.open).toBe(before.open + 2)
      expect(after.peak).toBeGreaterThanOrEqual(after.open + 1)
    })
  })
}
