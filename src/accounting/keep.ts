import type { Log } from '../domain/log.ts'
import type { AccountingRecord, SessionStore } from '../domain/session.ts'

export interface AccountingOptions {
  readonly sessions: Pick<SessionStore, 'record'>
  /** Where records go that the database cannot take now. */
  readonly spool: { append(record: AccountingRecord): Promise<void> }
  /** How long the database may take, in milliseconds, before a record is put aside. */
  readonly patienceMs: number
  readonly log: Log
}

/**
 * Keeps one accounting record. @returns whether the gateway is to be answered.
 *
 * An answer says that the record is kept (RFC 2866 §4.1): in the database, or on this machine's disk until the
 * database can take it. Where it is in neither the gateway gets none, and sends the record again. A Start is the
 * exception: ocserv denies the login when it is not answered, so full disks must not hold it back. Nothing is lost by
 * that: the login itself opened the session, and any Interim or Stop brings the rest.
 */
export async function keepAccounting(record: AccountingRecord, options: AccountingOptions): Promise<boolean> {
  const { sessions, spool, patienceMs, log } = options
  const kept = sessions.record(record).then(
    () => 'kept' as const,
    (error: unknown) => ({ error }),
  )
  const soon = await within(patienceMs, kept)
  if (soon === 'kept') return true
  try {
    // A database that is only slow may keep it too: twice is as good as once.
    await spool.append(record)
    return true
  } catch (spoolError) {
    const outcome = record.kind === 'start' ? soon : await kept
    if (outcome === 'kept') return true
    const { gateway, user, acctSession, kind } = record
    const error = outcome?.error
    log.error('accounting.unrecorded', { gateway, user, session: acctSession, kind, error, spoolError })
    return record.kind === 'start'
  }
}

/** @returns undefined where it took longer. */
async function within<T>(ms: number, outcome: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([outcome, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
