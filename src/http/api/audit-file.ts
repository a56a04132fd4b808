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

/** What a formula begins with, in full width too, and what some spreadsheets skip in front of it. */
const FORMULA = '[=+\\-@＝＋－＠\\t\\r\\n]'
const AT_THE_START = new RegExp(`^${FORMULA}`)
/** Where lists are written with semicolons a spreadsheet splits by them, and by lines, whatever the quotes say. */
const AT_A_SPLIT = new RegExp(`[;\\r\\n](?="*${FORMULA})`, 'g')

/** Users choose what stands in some of these, and a spreadsheet would run what begins like a formula. */
function cell(text: string): string {
  const harmless = text.replace(AT_A_SPLIT, "$&'").replace(AT_THE_START, "'$&")
  return /[",;\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
