import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../../../src/domain/audit.ts'
import type { SinkState, SinkTurn } from '../../../src/domain/audit-sink.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { eventOf, MINUTE, NOON, unique } from '../samples.ts'

const DAY = 1440 * MINUTE

export function auditSinksContract(records: () => Repositories): void {
  describe('a sink of the audit trail', () => {
    const turnOf = (more: Partial<SinkTurn> = {}): SinkTurn => {
      return { name: unique('sink'), holder: unique('broker'), now: NOON, until: NOON + MINUTE, ...more }
    }

    async function taken(turn: SinkTurn): Promise<SinkState> {
      const state = await records().sinks.take(turn)
      if (state === undefined) throw new Error('another broker has the turn')
      return state
    }

    async function written(more: Partial<AuditEvent> = {}): Promise<AuditEvent> {
      const event = eventOf(unique('user'), more)
      await records().audit.append(event)
      return event
    }

    const stateOf = async (name: string) => (await records().sinks.list()).find((sink) => sink.name === name)

    test('begins at the end of the trail, and goes on where it was', async () => {
      const { audit, sinks } = records()
      await written()
      const turn = turnOf()
      const { position } = await taken(turn)
      const events = [await written(), await written(), await written()]
      const tail = async (limit: number) => (await audit.tail({ after: position, limit })).events
      await expect.poll(() => tail(9)).toEqual(events)
      const first = await audit.tail({ after: position, limit: 2 })
      expect(await sinks.waiting(position)).toEqual({ events: 3, since: events[0]?.at })
      expect(await sinks.advance(turn, first.end)).toBe(true)
      const again = await taken({ ...turn, name: turn.name })
      expect(again).toMatchObject({ position: first.end, deliveredAt: NOON, dropped: 0 })
      expect(await sinks.waiting(again.position)).toEqual({ events: 1, since: events[2]?.at })
    })

    test('says since when it fails, and why, until something is delivered', async () => {
      const { sinks } = records()
      const turn = turnOf()
      const { position } = await taken(turn)
      await sinks.fail(turn, 'refused')
      await sinks.fail({ ...turn, now: NOON + MINUTE }, 'timed out')
      expect(await stateOf(turn.name)).toMatchObject({ failingSince: NOON, fault: 'timed out' })
      await sinks.advance(turn, position)
      const state = await stateOf(turn.name)
      expect(state?.fault).toBeUndefined()
      expect(state?.failingSince).toBeUndefined()
    })

    test('takes no word of a broker whose turn has ended', async () => {
      const { sinks } = records()
      const turn = turnOf()
      const { position } = await taken(turn)
      await sinks.release(turn.holder)
      await taken({ ...turn, holder: 'other' })
      expect(await sinks.advance(turn, { ...position, written: position.written + 1 })).toBe(false)
      await sinks.fail(turn, 'late')
      expect((await stateOf(turn.name))?.position).toEqual(position)
      expect((await stateOf(turn.name))?.fault).toBeUndefined()
    })

    test('counts the events that were deleted before it was sent them', async () => {
      const { audit, sinks, retention } = records()
      const long = NOON - 4000 * DAY
      const [turn, other] = [turnOf(), turnOf()]
      const { position } = await taken(turn)
      await taken(other)
      for (const at of [long, long + 1, long + 2]) await written({ at })
      await expect.poll(async () => (await audit.tail({ after: position, limit: 9 })).events.length).toBe(3)
      const { end } = await audit.tail({ after: position, limit: 1 })
      await sinks.advance(turn, end)
      const before = { audit: long + MINUTE, usage: '1900-01-01', rest: 0 }
      await expect.poll(() => retention.prune(before, 200)).toBe(0)
      expect((await stateOf(turn.name))?.dropped).toBe(2)
      expect((await stateOf(other.name))?.dropped).toBe(3)
    })
  })
}
