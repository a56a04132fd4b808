import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isTimelineCursor,
  readTimeline,
  type TimelineEntry,
  type TimelineSubject,
} from '../../../src/manage/timeline.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, eventOf, HOUR, id, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

const LATER = NOON + 100 * HOUR

function wordOf(entry: TimelineEntry): string {
  switch (entry.kind) {
    case 'event':
      return `${entry.event.kind} ${entry.at}`
    case 'lock_ended':
      return `lock ended ${entry.at}`
    default:
      return `${entry.kind} ${entry.session.acctSession} ${entry.at}`
  }
}

export function timelineContract(records: () => Repositories): void {
  const all = async (
    subject: TimelineSubject,
    limit: number,
    since?: number,
  ): Promise<readonly TimelineEntry[]> => {
    const entries: TimelineEntry[] = []
    let cursor: string | undefined
    do {
      const page = await readTimeline(subject, records(), { now: LATER, since, cursor, limit })
      expect(page.entries.length).toBeLessThanOrEqual(limit)
      entries.push(...page.entries)
      cursor = page.next
      if (cursor !== undefined) expect(isTimelineCursor(cursor)).toBe(true)
    } while (cursor !== undefined)
    return entries
  }
  const connect = async (user: string, address: string, name: string, at: number, until?: number) => {
    await records().login.admit(admission(user, { kind: 'none' }, { address, now: at }))
    await records().sessions.record(accounting('start', user, name, { address, at: at + 1 }))
    if (until !== undefined)
      await records().sessions.record(accounting('stop', user, name, { address, at: until, octetsOut: 7 }))
  }
  const lock = async (user: string, since: number, until: number) => {
    await records().lockouts.lock({ id: id(), scope: 'user', user, reason: 'test', by: 'ada', since, until })
  }

  describe('a timeline', () => {
    test('has what happened to a user, newest first', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      await connect(user, address, `${user}-a`, NOON, NOON + 3 * HOUR)
      await lock(user, NOON + HOUR, NOON + 2 * HOUR)
      await records().audit.append(eventOf(user, { address, at: NOON + 4 * HOUR }))
      expect((await all({ kind: 'user', user }, 50)).map(wordOf)).toEqual([
        `login.refused ${NOON + 4 * HOUR}`,
        `disconnected ${user}-a ${NOON + 3 * HOUR}`,
        `lock ended ${NOON + 2 * HOUR}`,
        `lockout.made ${NOON + HOUR}`,
        `connected ${user}-a ${NOON + 1}`,
        `login.accepted ${NOON}`,
      ])
      const since = NOON + 2 * HOUR
      expect((await all({ kind: 'user', user }, 50, since)).map(wordOf)).toHaveLength(3)
    })

    test('has what happened at an address, to all users', async () => {
      const [one, other, address] = [unique('user'), unique('user'), uniqueAddress()]
      await connect(one, address, `${one}-a`, NOON, NOON + HOUR)
      await records().audit.append(eventOf(other, { address, at: NOON + MINUTE }))
      expect((await all({ kind: 'address', address }, 50)).map(wordOf)).toEqual([
        `disconnected ${one}-a ${NOON + HOUR}`,
        `login.refused ${NOON + MINUTE}`,
        `connected ${one}-a ${NOON + 1}`,
        `login.accepted ${NOON}`,
      ])
    })

    test('has what happened around a session and nothing of the user’s other sessions', async () => {
      const [user, address] = [unique('user'), uniqueAddress()]
      await connect(user, address, `${user}-a`, NOON, NOON + HOUR)
      await connect(user, address, `${user}-b`, NOON + 5 * HOUR, NOON + 6 * HOUR)
      const sessions = await records().sessions.list({ user, limit: 9 })
      const session = sessions.find(({ acctSession }) => acctSession === `${user}-a`) ?? expect.unreachable()
      expect((await all({ kind: 'session', session }, 1)).map(wordOf)).toEqual([
        `disconnected ${user}-a ${NOON + HOUR}`,
        `connected ${user}-a ${NOON + 1}`,
        `login.accepted ${NOON}`,
      ])
    })

    test('has each entry once, whatever the size of its pages', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ long: fc.nat({ max: 20 }), locked: fc.boolean(), open: fc.boolean() }), {
            minLength: 1,
            maxLength: 8,
          }),
          fc.integer({ min: 1, max: 7 }),
          async (days, limit) => {
            const [user, address] = [unique('user'), uniqueAddress()]
            for (const [index, { long, open }] of days.entries()) {
              const at = NOON + index * 2 * HOUR
              await connect(user, address, `${user}-${index}`, at, open ? undefined : at + (long + 1) * HOUR)
            }
            // A lockout would refuse the logins.
            for (const [index, { long, locked }] of days.entries()) {
              const at = NOON + index * 2 * HOUR + MINUTE
              if (locked) await lock(user, at, at + long * HOUR)
            }
            const subject = { kind: 'user', user } as const
            const whole = await all(subject, 200)
            const [ended, locks] = [days.filter(({ open }) => !open), days.filter(({ locked }) => locked)]
            // The first lock orders the end of what is open, and the order stands.
            const ordered = locks.length > 0 ? days.length - ended.length : 0
            expect(whole).toHaveLength(2 * days.length + ended.length + 2 * locks.length + ordered)
            const times = whole.map(({ at }) => at)
            expect(times).toEqual(times.toSorted((one, other) => other - one))
            const words = (await all(subject, limit)).map(wordOf)
            expect(words.toSorted()).toEqual(whole.map(wordOf).toSorted())
          },
        ),
        { numRuns: 15 },
      )
    })
  })
}
