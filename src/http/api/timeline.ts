import {
  isTimelineCursor,
  readTimeline,
  type TimelineEntry,
  type TimelineSubject,
} from '../../manage/timeline.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { demand } from './authenticate.ts'
import type { Call, Handlers } from './call.ts'
import { addressIn, usernameIn } from './filters.ts'
import { wrongCursor } from './page.ts'
import { eventWire, lockoutWire, sessionWire, timeText } from './wire.ts'

type TimelineServices = Pick<HttpServices, 'recordsOf' | 'clock'>

export function timelineRoutes({ recordsOf, clock }: TimelineServices): Handlers {
  async function subjectIn(call: Call): Promise<TimelineSubject> {
    const [user, address, id] = [usernameIn(call), addressIn(call), call.query('session')]
    const subjects: readonly TimelineSubject[] = [
      ...(user === undefined ? [] : [{ kind: 'user', user } as const]),
      ...(address === undefined ? [] : [{ kind: 'address', address } as const]),
    ]
    const [subject, ...others] = subjects
    if (others.length > 0 || (subject === undefined) === (id === undefined))
      throw new Problem('invalid-request', {
        errors: [{ path: '/query', message: 'needs one of user, address and session' }],
      })
    if (subject !== undefined) return subject
    const session = await recordsOf(call.caller).sessions.find(id ?? '')
    if (session === undefined) throw new Problem('not-found')
    return { kind: 'session', session }
  }

  return {
    async getTimeline(call) {
      demand(call.caller, 'sessions:read', true)
      demand(call.caller, 'lockouts:read', true)
      const cursor = call.query('cursor')
      if (cursor !== undefined && !isTimelineCursor(cursor)) throw wrongCursor()
      const now = clock.now()
      const search = { now, since: call.time('since'), cursor, limit: call.number('limit') }
      const { entries, next } = await readTimeline(await subjectIn(call), recordsOf(call.caller), search)
      return { body: { items: entries.map((entry) => entryWire(entry, now)), next } }
    },
  }
}

function entryWire(entry: TimelineEntry, now: number) {
  const { at, kind } = entry
  const rest =
    entry.kind === 'event'
      ? { event: eventWire(entry.event) }
      : entry.kind === 'lock_ended'
        ? { lockout: lockoutWire(entry.lockout, now) }
        : { session: sessionWire(entry.session, now) }
  return { at: timeText(at), kind, ...rest }
}
