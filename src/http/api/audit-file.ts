import { fileForms } from './record-file.ts'
import { eventWire } from './wire.ts'

const COLUMNS = [
  'at',
  'kind',
  'user',
  'address',
  'gateway',
  'reason',
  'detail',
  'actor',
  'id',
  'times',
] as const

/** How audit events are written into a file. */
export const auditFile = fileForms(COLUMNS, eventWire)
