import type { AuditEvent, AuditKind } from '../domain/audit.ts'
import { AUDIT_KINDS } from '../domain/audit.ts'
import { noticesOf } from './notices.ts'
import type { Queueing } from './queueing.ts'

/** Under which the records keep how far the trail was looked through for what users are told. */
const NOTICE_SINK = 'mail'

const TOLD: ReadonlySet<AuditKind> = new Set<AuditKind>([
  'enrolment.made',
  'lockout.made',
  'login.refused',
  'login.accepted',
])
const BATCH = 1000

/** What the audit trail tells users by mail: it is followed as a receiver follows it, so that no event is left out. */
export function noticeSink(queueing: Pick<Queueing, 'add'>) {
  return {
    name: NOTICE_SINK,
    batch: BATCH,
    /** No gateway has this name. */
    except: { kinds: AUDIT_KINDS.filter((kind) => !TOLD.has(kind)), butAt: '' },
    async send(events: readonly AuditEvent[], signal: AbortSignal): Promise<void> {
      for (const event of events)
        for (const notice of noticesOf(event)) {
          signal.throwIfAborted()
          await queueing.add(notice, event.at)
        }
    },
  }
}
