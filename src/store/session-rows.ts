import { stemOf } from '../domain/login-name.ts'
import type { Session } from '../domain/session.ts'
import { withoutNulls } from './absent.ts'
import { networkColumn } from './places.ts'
import type { SessionRow } from './schema.ts'

export const SESSION_COLUMNS = [
  'id',
  'gateway',
  'user_name',
  'user_stem',
  'subject',
  'address',
  'network',
  'acct_session',
  'policy',
  'pool',
  'ipv4',
  'ipv6',
  'client',
  'granted_at',
  'started_at',
  'kept_ms',
  'updated_at',
  'stopped_at',
  'terminate_cause',
  'seconds',
  'octets_in',
  'octets_out',
  'revision',
] as const satisfies readonly (keyof SessionRow)[]

/** All columns but the revision, which belongs to whoever writes the row. */
export function sessionColumns(session: Session): Omit<SessionRow, 'revision'> {
  return {
    id: session.id,
    gateway: session.gateway,
    user_name: session.user,
    user_stem: stemOf(session.user),
    subject: session.subject ?? null,
    address: session.address ?? null,
    network: networkColumn(session.address),
    acct_session: session.acctSession ?? null,
    policy: session.policy ?? null,
    pool: session.pool ?? null,
    ipv4: session.ipv4 ?? null,
    ipv6: session.ipv6 ?? null,
    client: session.client ?? null,
    granted_at: session.grantedAt ?? null,
    started_at: session.startedAt ?? null,
    kept_ms: session.keptMs ?? null,
    updated_at: session.updatedAt,
    stopped_at: session.stoppedAt ?? null,
    terminate_cause: session.terminateCause ?? null,
    seconds: session.seconds,
    octets_in: session.octetsIn,
    octets_out: session.octetsOut,
  }
}

export function sessionOf(row: SessionRow): Session {
  return withoutNulls({
    id: row.id,
    gateway: row.gateway,
    user: row.user_name,
    subject: row.subject,
    address: row.address,
    acctSession: row.acct_session,
    policy: row.policy,
    pool: row.pool,
    ipv4: row.ipv4,
    ipv6: row.ipv6,
    client: row.client,
    grantedAt: row.granted_at,
    startedAt: row.started_at,
    keptMs: row.kept_ms,
    updatedAt: row.updated_at,
    stoppedAt: row.stopped_at,
    terminateCause: row.terminate_cause,
    seconds: row.seconds,
    octetsIn: row.octets_in,
    octetsOut: row.octets_out,
  })
}
