import { expect, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { earliestId } from '../../src/domain/record-id.ts'
import { shownEntries } from '../../src/web/desk/timeline.ts'

function event(at: number, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: earliestId(at),
    at,
    kind: 'login.refused',
    user: 'alice',
    address: '198.51.100.7',
    gateway: 'gw1',
    reason: 'bad_credentials',
    detail: 'local: wrong password',
    ...more,
  }
}

const shown = (events: readonly AuditEvent[]) =>
  shownEntries(events.map((each) => ({ at: each.at, kind: 'event', event: each })))

test('repeated attempts are one entry, with the first, the last and their number', () => {
  const events = [event(5), event(4, { address: '198.51.100.8' }), event(3), event(2), event(1)]
  expect(shown(events)).toMatchObject([
    { kind: 'event', at: 5, count: 1 },
    { kind: 'event', at: 4, count: 1, event: { address: '198.51.100.8' } },
    { kind: 'event', at: 3, from: 1, count: 3 },
  ])
})

test('each action of a person is an entry of its own', () => {
  const of = { kind: 'lockout.released', actor: 'helper (web)', reason: 'user', detail: 'ticket' } as const
  expect(shown([event(2, of), event(1, of)])).toHaveLength(2)
})

test('details that the lockout’s own entry shows are left out', () => {
  const detailOf = (more: Partial<AuditEvent>) => {
    const [moment] = shown([event(1, more)])
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
