import { type AuditKind, type Severity, severityOf } from '../../domain/audit.ts'
import type { Log } from '../../domain/log.ts'
import type { AuditSink } from './sink.ts'

const LEVELS: { readonly [Each in Severity]: 'error' | 'warn' | 'info' } = {
  error: 'error',
  warning: 'warn',
  notice: 'info',
  info: 'info',
}

/** Logins at gateways write their own lines when they are answered, whether the records can be written or not. */
const LOGGED: readonly AuditKind[] = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'login.unavailable',
  'login.withdrawn',
]

const BATCH = 1000

/** Each event of the audit trail as a line of the log. @param pages the name that stands for the gateway at the broker's own pages. */
export function logLines(log: Log, pages: string): AuditSink {
  return {
    name: 'log',
    batch: BATCH,
    except: { kinds: LOGGED, butAt: pages },
    async send(events) {
      for (const { kind, at, steps: _, ...fields } of events)
        log[LEVELS[severityOf(kind)]](kind, { at: new Date(at).toISOString(), ...fields })
    },
  }
}
