import type { AccountingRecord, Session } from '../domain/session.ts'

/**
 * Merges an accounting record into its session. The result does not depend on the order of records or on repeats:
 * each member is the most, the first or the latest of what was reported, never merely the last to arrive.
 */
export function mergeRecord(session: Session, record: AccountingRecord): Session {
  const isStop = record.kind === 'stop'
  const isFirstStop = isStop && record.at < (session.stoppedAt ?? Number.POSITIVE_INFINITY)
  // A user who roams goes on with another address.
  const [preferred, other] = record.at >= session.updatedAt ? [record, session] : [session, record]
  const [cause, otherCause] = isFirstStop ? [record, session] : [session, record]
  return {
    ...session,
    acctSession: record.acctSession,
    nas: record.nas ?? session.nas,
    address: preferred.address ?? other.address,
    ipv4: preferred.ipv4 ?? other.ipv4,
    ipv6: preferred.ipv6 ?? other.ipv6,
    startedAt:
      record.kind === 'start' ? Math.min(record.at, session.startedAt ?? record.at) : session.startedAt,
    stoppedAt: isFirstStop ? record.at : session.stoppedAt,
    terminateCause: isStop ? (cause.terminateCause ?? otherCause.terminateCause) : session.terminateCause,
    updatedAt: Math.max(session.updatedAt, record.at),
    seconds: grown(session.seconds, record.seconds),
    octetsIn: grown(session.octetsIn, record.octetsIn),
    octetsOut: grown(session.octetsOut, record.octetsOut),
  }
}

/**
 * Merges the session that accounting made before its login was found with that login's session.
 * @param accounted as the records have it: a key without a value would hide that of the login.
 */
export function mergeGrant(granted: Session, accounted: Session): Session {
  return {
    ...granted,
    ...accounted,
    id: granted.id,
    user: granted.user,
    updatedAt: Math.max(granted.updatedAt, accounted.updatedAt),
  }
}

/** The session that a record makes where none is known. */
export function sessionFromRecord(id: string, record: AccountingRecord): Session {
  const { gateway, user, acctSession, at } = record
  return mergeRecord(
    { id, gateway, user, acctSession, updatedAt: at, seconds: 0, octetsIn: 0, octetsOut: 0 },
    record,
  )
}

/** Gigawords can claim more than a number holds exactly, and more than a column takes. */
function grown(before: number, reported: number): number {
  return Math.min(Math.max(before, reported), Number.MAX_SAFE_INTEGER)
}
