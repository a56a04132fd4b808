import { type AuditEvent, severityOf } from '../domain/audit.ts'
import type { LogFields } from '../domain/log.ts'
import { ecsFields } from './ecs.ts'

/** By which names the fields of a line or an event go. */
export type FieldNames = 'json' | 'ecs'

/** An event for another system, in JSON: under the names of the API, or under those of the Elastic Common Schema. */
export function auditFields({ at, ...event }: AuditEvent, names: FieldNames): LogFields {
  const time = new Date(at).toISOString()
  if (names === 'json') return { at: time, ...event }
  const { kind, ...fields } = event
  return {
    '@timestamp': time,
    'log.level': severityOf(kind),
    message: event.detail ?? kind,
    ...ecsFields(kind, fields),
  }
}
