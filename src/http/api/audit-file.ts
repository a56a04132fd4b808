import type { AuditEvent } from '../../domain/audit.ts'
import { eventWire } from './wire.ts'

/** How events are written into a file. */
export interface AuditFileForm {
  readonly type: string
  readonly extension: string
  readonly head: string
  lineOf(event: AuditEvent): string
}

const COLUMNS = ['at', 'kind', 'user', 'address', 'gateway', 'reason', 'detail', 'actor', 'id'] as const

export const ndjson: AuditFileForm = {
  type: 'application/x-ndjson',
  extension: 'ndjson',
  head: '',
  lineOf: (event) => `${JSON.stringify(eventWire(event))}\n`,
}

/** RFC 4180. */
export const csv: AuditFileForm = {
  type: 'text/csv',
  extension: 'csv',
  head: `${COLUMNS.join(',')}\r\n`,
  lineOf(event) {
    const cells = eventWire(event)
    return `${COLUMNS.map((column) => cell(cells[column] ?? '')).join(',')}\r\n`
  },
}

/**
 * Users choose what stands in some of these, and a spreadsheet would run what begins like a formula, in full width too.
 * Where the semicolon separates lists it also separates cells, unless they are quoted.
 */
function cell(text: string): string {
  const harmless = /^[\s\0]*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text
  const apart = harmless.replaceAll(/;(?=[\s\0]*[=+\-@＝＋－＠])/g, ";'")
  return /[",;\r\n]/.test(apart) ? `"${apart.replaceAll('"', '""')}"` : apart
}
