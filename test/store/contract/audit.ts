import { describe, expect, test } from 'vitest'
import { TRAIL_START } from '../../../src/domain/audit.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { eventOf, MINUTE, NOON, unique } from '../samples.ts'

export function auditContract(records: () => Repositories): void {
  describe('the audit trail', () => {
    test('gives events back as they were written, newest first, a page at a time', async () => {
      const { audit } = records()
      const user = unique('user')
      const full = eventOf(user, {
        actor: 'token desk',
        address: '2001:db8::7',
        gateway: 'gw1',
        reason: 'locked',
        detail: '用户 “bob” & <others>',
        times: 39,
        clue: { aheadSeconds: -94, algorithm: 'sha256' },
      })
      const events = [
        full,
        ...Array.from({ length: 4 }, (_, minute) => eventOf(user, { at: NOON + minute * MINUTE })),
      ]
      for (const event of events) await audit.append(event)
      const newestFirst = [...events].reverse()
      expect(await audit.list({ user, limit: 9 })).toEqual(newestFirst)
      expect(await audit.list({ user, limit: 2 })).toEqual(newestFirst.slice(0, 2))
      expect(await audit.list({ user, limit: 9, after: newestFirst[1]?.id ?? '' })).toEqual(
        newestFirst.slice(2),
      )
    })

    test('is searched by kind and time', async () => {
      const { audit } = records()
      const user = unique('user')
      const accepted = eventOf(user, { kind: 'login.accepted', at: NOON })
      const refused = eventOf(user, { at: NOON + MINUTE })
      await audit.append(accepted)
      await audit.append(refused)
      expect(await audit.list({ user, kinds: ['login.accepted'], limit: 9 })).toEqual([accepted])
      expect(await audit.list({ user, since: NOON + MINUTE, limit: 9 })).toEqual([refused])
      expect(await audit.list({ user, before: NOON + MINUTE, limit: 9 })).toEqual([accepted])
      expect(await audit.list({ user, since: NOON, before: NOON + 1, limit: 9 })).toEqual([accepted])
    })

    test('takes no text with a NUL, which not every database can keep', async () => {
      const { audit } = records()
      const user = unique('user')
      await expect(audit.append(eventOf(user, { detail: 'a\0b' }))).rejects.toThrow('NUL')
      await expect(audit.list({ user: `${user}\0`, limit: 9 })).rejects.toThrow('NUL')
      expect(await audit.list({ user, limit: 9 })).toEqual([])
    })

    test('is followed in the order in which events were written, without gap or repetition', async () => {
      const { audit } = records()
      const [later, earlier] = [eventOf(unique('user')), eventOf(unique('user'))].reverse()
      if (later === undefined || earlier === undefined) throw new Error('no events')
      // The identifier that was made first is written last.
      await audit.append(later)
      const position = await audit.positionOf(later.id)
      if (position === undefined) throw new Error('it is not there')
      expect(await audit.tail({ after: position, limit: 9 })).toEqual({ events: [], end: position })
      await audit.append(earlier)
      const end = await audit.positionOf(earlier.id)
      const tail = () => audit.tail({ after: position, limit: 9 })
      await expect.poll(tail).toEqual({ events: [earlier], end })
      expect(await audit.positionOf('none')).toBeUndefined()
    })

    test('is followed a page at a time, by what is asked for, and says how far it is through', async () => {
      const { audit } = records()
      const first = eventOf(unique('user'))
      await audit.append(first)
      const after = await audit.positionOf(first.id)
      if (after === undefined) throw new Error('it is not there')
      const user = unique('user')
      const at = { gateway: 'portal' }
      const events = [eventOf(user), eventOf(user, at), eventOf(user, { kind: 'user.added' }), eventOf(user)]
      for (const event of events) await audit.append(event)
      const [one, two, three, four] = events
      await expect.poll(async () => (await audit.tail({ after, limit: 9 })).events).toEqual(events)
      expect((await audit.tail({ after, limit: 2 })).events).toEqual([one, two])
      const end = await audit.positionOf(three?.id ?? '')
      const except = { kinds: ['login.refused'], butAt: 'portal' } as const
      expect(await audit.tail({ after, limit: 3, except })).toEqual({ events: [two, three], end })
      expect((await audit.tail({ after, limit: 9, kinds: ['login.refused'] })).events).toEqual([
        one,
        two,
        four,
      ])
      const all = await audit.tail({ after: TRAIL_START, limit: 10_000 })
      expect(all.events.slice(-5)).toEqual([first, ...events])
    })

    test('takes an event that is handed in again once', async () => {
      const { audit } = records()
      const event = eventOf(unique('user'))
      await audit.append(event)
      await audit.append(event)
      expect(await audit.list({ user: event.user ?? '', limit: 9 })).toEqual([event])
    })
  })
}
