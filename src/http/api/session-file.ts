import type { Session } from '../../domain/session.ts'
import { type FileForms, fileForms } from './record-file.ts'
import { sessionWire } from './wire.ts'

const COLUMNS = [
  'user',
  'subject',
  'gateway',
  'policy',
  'state',
  'grantedAt',
  'startedAt',
  'updatedAt',
  'stoppedAt',
  'terminateCause',
  'seconds',
  'octetsIn',
  'octetsOut',
  'address',
  'ipv4',
  'ipv6',
  'pool',
  'client',
  'nas',
  'acctSession',
  'id',
] as const

/** How sessions are written into a file. @param now wall milliseconds, of their states. */
export function sessionFile(now: number): FileForms<Session> {
  return fileForms(COLUMNS, (session) => sessionWire(session, now))
}
