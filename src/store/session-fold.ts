import type { AccountingRecord, Session } from '../domain/session.ts'

/**
 * Folds one accounting record into its session. Whatever the order and however often records come, the end is
 * the same: each member is the most, the first or the latest of what was reported, never merely the last to arrive.
 */
export function foldRecord(session: Session, record: AccountingRecord): Session {
  const newest = record.at >= session.updatedAt
  const firstStop = record.kind === 'stop' && record.at < (session.stoppedAt ?? Number.POSITIVE_INFINITY)
  return {
    ...session,
    acctSession: record.acctSession,
    // A user who roams goes on with another address.
    ...known('address', record, session, newest),
    ...known('ipv4', record, session, newest),
    ...known('ipv6', record, session, newest),
    ...(record.kind === 'start' ? { startedAt: Math.min(record.at, session.startedAt ?? record.at) } : {}),
    ...(firstStop ? { stoppedAt: record.at } : {}),
    ...(record.kind === 'stop' ? known('terminateCause', record, session, firstStop) : {}),
    updatedAt: Math.max(session.updatedAt, record.at),
    seconds: grown(session.seconds, record.seconds),
    octetsIn: grown(session.octetsIn, record.octetsIn),
    octetsOut: grown(session.octetsOut, record.octetsOut),
  }
}

/** The session that accounting made before its login was found, and that login's session: the two as one. */
export function joinGrant(granted: Session, accounted: Session): Session {
  return {
    ...granted,
    ...accounted,
    id: granted.id,
    user: granted.user,
    updatedAt: Math.max(granted.updatedAt, accounted.updatedAt),
  }
}

/** The session that a record makes where none is known. */
export function sessionOfRecord(id: string, record: AccountingRecord): Session {
  const { gateway, user, acctSession, at } = record
  return foldRecord(
    { id, gateway, user, acctSession, updatedAt: at, seconds: 0, octetsIn: 0, octetsOut: 0 },
    record,
  )
}

/** The preferred of two values, or the one that there is. */
function known<Key extends 'address' | 'ipv4' | 'ipv6' | 'terminateCause'>(
  key: Key,
  record: AccountingRecord,
  session: Session,
  preferRecord: boolean,
): { [K in Key]?: string } {
  const value = preferRecord ? (record[key] ?? session[key]) : (session[key] ?? record[key])
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string })
}

/** Gigawords can claim more than a number holds exactly, and more than a column takes. */
function grown(before: number, reported: number): number {
  return Math.min(Math.max(before, reported), Number.MAX_SAFE_INTEGER)
}
