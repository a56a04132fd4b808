import { usernameOf } from '../domain/login-name.ts'
import type { Session } from '../domain/session.ts'
import { mappingOf } from './columns.ts'
import type { SessionRow } from './schema.ts'
import { subnetOf } from './subnet-columns.ts'

const { toRow, fromRow } = mappingOf<Session, SessionRow>()({
  id: 'id',
  gateway: 'gateway',
  user: 'user_name',
  subject: 'subject',
  address: 'address',
  acctSession: 'acct_session',
  policy: 'policy',
  pool: 'pool',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  client: 'client',
  nas: 'nas',
  grantedAt: 'granted_at',
  startedAt: 'started_at',
  staleAfterMs: 'kept_ms',
  updatedAt: 'updated_at',
  stoppedAt: 'stopped_at',
  gaveWayAt: 'gave_way_at',
  terminateCause: 'terminate_cause',
  seconds: 'seconds',
  octetsIn: 'octets_in',
  octetsOut: 'octets_out',
})

/** @param revision 0 for a new row. */
export function sessionRow(session: Session, revision = 0): SessionRow {
  const derived = { user_stem: usernameOf(session.user), network: subnetOf(session.address) }
  return { ...toRow(session), ...derived, revision }
}

/** Stands behind an Acct-Session-Id that the gateway gave to another session later; none holds a control character. */
export const USED_AGAIN = '\u0001'

export function sessionOf(row: SessionRow): Session {
  const session = fromRow(row)
  return row.acct_session?.includes(USED_AGAIN)
    ? { ...session, acctSession: row.acct_session.split(USED_AGAIN)[0] }
    : session
}

const ANY: Session = { id: '', gateway: '', user: '', updatedAt: 0, seconds: 0, octetsIn: 0, octetsOut: 0 }

export const SESSION_COLUMNS = Object.keys(sessionRow(ANY)) as (keyof SessionRow)[]
