import { expect, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import type { Lockout } from '../../src/domain/lockout.ts'
import { earliestId } from '../../src/domain/record-id.ts'
import type { Session } from '../../src/domain/session.ts'
import { timelineOf } from '../../src/web/desk/timeline.ts'

const EVER = { since: 0, until: 10_000, sessions: [], lockouts: [] }

function event(at: number, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    ...{ id: earliestId(at), at, kind: 'login.refused', user: 'alice', address: '198.51.100.7' },
    ...{ gateway: 'gw1', reason: 'bad_credentials', detail: 'local: wrong password' },
    ...more,
  }
}

function session(more: Partial<Session>): Session {
  return {
    ...{ id: 'one', gateway: 'gw1', user: 'alice', updatedAt: 0, seconds: 0, octetsIn: 0, octetsOut: 0 },
    ...more,
  }
}

const lockout: Lockout = {
  ...{ id: 'a lock', scope: 'user', cause: 'failures', user: 'alice', reason: 'five', since: 1000 },
  until: 5000,
}

test('tries that are alike are told once, with the first, the last and their number', () => {
  const events = [event(3), event(1), event(2), event(4, { address: '198.51.100.8' }), event(5)]
  expect(timelineOf({ ...EVER, events })).toMatchObject([
    { kind: 'event', at: 5, count: 1 },
    { kind: 'event', at: 4, count: 1, event: { address: '198.51.100.8' } },
    { kind: 'event', at: 3, from: 1, count: 3 },
  ])
})

test('what people did is told each by itself', () => {
  const of = { kind: 'lockout.released', actor: 'helper (web)', reason: 'user', detail: 'ticket' } as const
  expect(timelineOf({ ...EVER, events: [event(1, of), event(2, of)] })).toHaveLength(2)
})

test('events, sessions and the end of a lock are one story, newest first', () => {
  const story = timelineOf({
    ...EVER,
    events: [event(900), event(1000, { kind: 'lockout.made' }), event(6000, { kind: 'login.accepted' })],
    sessions: [session({ startedAt: 6000, stoppedAt: 7000 })],
    lockouts: [lockout],
  })
  expect(story.map(({ kind, at }) => [kind, at])).toEqual([
    ['disconnected', 7000],
    // It follows from the login of the same millisecond.
    ['connected', 6000],
    ['event', 6000],
    ['lock_ended', 5000],
    ['event', 1000],
    ['event', 900],
  ])
})

test('a lock that was released, lasts, or goes on until somebody releases it has no end by itself', () => {
  const lockouts = [
    { ...lockout, releasedAt: 2000 },
    { ...lockout, until: 10_001 },
    { ...lockout, until: undefined },
  ]
  expect(timelineOf({ ...EVER, events: [], lockouts })).toEqual([])
})

test('nothing is told from outside the stretch', () => {
  const sessions = [session({ startedAt: 50, stoppedAt: 150 })]
  const story = timelineOf({ ...EVER, since: 100, events: [event(99), event(100)], sessions })
  expect(story.map(({ kind, at }) => [kind, at])).toEqual([
    ['disconnected', 150],
    ['event', 100],
  ])
})

test('details that only a program could read are left out', () => {
  const detailOf = (more: Partial<AuditEvent>) => {
    const [moment] = timelineOf({ ...EVER, events: [event(1, more)] })
    return moment?.kind === 'event' ? moment.detail : expect.unreachable()
  }
  expect(detailOf({ reason: 'locked', detail: 'user (failures, 0192)' })).toBeUndefined()
  expect(
    detailOf({
      kind: 'lockout.made',
      detail: 'user locked until 2026-01-01T00:00:00.000Z: a: stolen laptop',
    }),
  ).toBe('a: stolen laptop')
  expect(detailOf({ kind: 'lockout.made', detail: 'user locked without an end: stolen' })).toBe('stolen')
})
