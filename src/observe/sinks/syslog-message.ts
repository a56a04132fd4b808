import { type AuditEvent, type Severity, severityOf } from '../../domain/audit.ts'
import { auditFields, type FieldNames } from '../audit-fields.ts'

/** RFC 5424 §6.2.1. */
const SEVERITIES: { readonly [Each in Severity]: number } = { error: 3, warning: 4, notice: 5, info: 6 }

const FACILITIES = {
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const

type Facility = keyof typeof FACILITIES

export interface SyslogForm {
  readonly facility: Facility
  /** Of this machine. */
  readonly hostname: string
  readonly names: FieldNames
}

/** Octets of a HOSTNAME, at most (RFC 5424 §6). */
const MAX_HOSTNAME = 255
/** RFC 5426 §3.2: what every receiver should take in one datagram. */
export const MAX_DATAGRAM = 2048

/**
 * One event as a message of RFC 5424: the kind is the MSGID, and the message is the event in JSON. JSON is written in ASCII,
 * so that a message needs no byte order mark (§6.4), which many receivers take for a part of the JSON.
 * @param most octets: what is too long goes without its steps, then with a shortened detail.
 */
export function syslogMessage(
  event: AuditEvent,
  { facility, hostname, names }: SyslogForm,
  most = Number.POSITIVE_INFINITY,
): string {
  const priority = FACILITIES[facility] * 8 + SEVERITIES[severityOf(event.kind)]
  const time = new Date(event.at).toISOString()
  const host = hostname.replaceAll(/[^!-~]/g, '').slice(0, MAX_HOSTNAME) || '-'
  const head = `<${priority}>1 ${time} ${host} ocbroker - ${event.kind} - `
  const message = (shown: AuditEvent) => head + inAscii(JSON.stringify(auditFields(shown, names)))
  const whole = message(event)
  if (whole.length <= most) return whole
  const { steps: _, ...brief } = event
  const short = message(brief)
  if (short.length <= most || brief.detail === undefined) return short
  const over = short.length - most
  const detail = brief.detail.slice(0, Math.max(0, brief.detail.length - over - 1))
  return message({ ...brief, detail })
}

function inAscii(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
