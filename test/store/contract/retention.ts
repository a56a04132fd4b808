import { describe, expect, test } from 'vitest'
import { earliestId } from '../../../src/domain/record-id.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, eventOf, failureOf, HOUR, unique } from '../samples.ts'

/** Long before anything that other tests keep in the same store. */
const THEN = Date.UTC(2001, 0, 1)
const DAY = 24 * HOUR
const HORIZON = THEN + 10 * DAY

export function retentionContract(records: () => Repositories): void {
  let made = 0
  /** As it would have been made at that time. */
  const idAt = (at: number) => earliestId(at).slice(0, -4) + String(++made).padStart(4, '0')
  const prune = async (audit: number, rest: number, usage = '') => {
    let deleted = 0
    for (;;) {
      const some = await records().retention.prune({ audit, usage, rest }, 3)
      expect(some).toBeLessThanOrEqual(3)
      if (some === 0) return deleted
      deleted += some
    }
  }

  describe('records past their retention', () => {
    test('are deleted a few at a time: audit events', async () => {
      const { audit } = records()
      const user = unique('user')
      const days = Array.from({ length: 20 }, (_, day) => THEN + day * DAY)
      for (const at of days) await audit.append(eventOf(user, { id: idAt(at), at }))
      expect(await prune(HORIZON, THEN)).toBe(10)
      const kept = await audit.list({ user, limit: 99 })
      expect(kept.map(({ at }) => at).sort()).toEqual(days.slice(10))
    })

    test('are deleted: sessions without a report since then, ended or not', async () => {
      const { login, sessions } = records()
      const user = unique('user')
      const session = (grantedAt: number, updatedAt: number, stoppedAt?: number) =>
        login.admit(
          admission(
            user,
            { kind: 'none' },
            { session: { id: idAt(grantedAt), grantedAt, updatedAt, stoppedAt } },
          ),
        )
      await session(THEN, THEN + DAY, THEN + DAY)
      await session(THEN, THEN)
      await session(THEN, HORIZON, HORIZON)
      await session(THEN, HORIZON)
      await session(HORIZON + DAY, HORIZON + DAY)
      expect(await prune(THEN, HORIZON)).toBe(2)
      const kept = await sessions.list({ user, limit: 9 })
      expect(kept.map(({ updatedAt }) => updatedAt).sort()).toEqual([HORIZON, HORIZON, HORIZON + DAY])
    })

    test('are deleted: lockouts that have ended, and no lock in force', async () => {
      const { login, lockouts } = records()
      const [ended, forever, later] = ['ended', 'forever', 'later'].map(unique)
      const lock = (user = '', at = THEN, hardAfter = 100) =>
        login.recordFailure(failureOf(user, { at, lock: ['user'], rules: { hardAfter } }))
      await lock(ended)
      await lock(forever, THEN, 1)
      await lock(later, HORIZON)
      await prune(THEN, HORIZON)
      const left = async (user = '') => (await lockouts.list({ user, limit: 9 })).length
      expect(await left(ended)).toBe(0)
      expect(await left(forever)).toBe(1)
      expect(await left(later)).toBe(1)
    })

    test('are deleted: failures in a row with no attempt after them', async () => {
      const { login } = records()
      const [idle, recent] = [unique('idle'), unique('recent')]
      const fail = (user: string, at: number) =>
        login.recordFailure(failureOf(user, { at, rules: { hardAfter: 2 } }))
      await fail(idle, THEN)
      await fail(recent, THEN)
      await fail(recent, HORIZON)
      await prune(THEN, HORIZON)
      expect(await fail(idle, HORIZON + DAY)).toEqual([])
      const [hard] = await login.recordFailure(
        failureOf(recent, { at: HORIZON + DAY, rules: { hardAfter: 3 } }),
      )
      expect(hard ?? (await records().lockouts.list({ user: recent, limit: 9 }))[0]).toMatchObject({
        cause: 'hard_limit',
      })
    })

    test('are all that is deleted', async () => {
      const { audit } = records()
      const user = unique('user')
      await audit.append(eventOf(user, { id: idAt(HORIZON), at: HORIZON }))
      await prune(HORIZON, HORIZON)
      expect(await records().retention.prune({ audit: HORIZON, usage: '', rest: HORIZON }, 100)).toBe(0)
      expect(await audit.list({ user, limit: 9 })).toHaveLength(1)
    })
  })
}
