import type { Log } from '../domain/log.ts'
import type { AccountingRecord, SessionStore } from '../domain/session.ts'

export interface AccountingOptions {
  readonly sessions: Pick<SessionStore, 'record'>
  /** How long a Start may wait for the record, in milliseconds; its answer comes then in any case. */
  readonly startWaitsMs: number
  readonly log: Log
}

/**
 * Keeps one accounting record. @returns whether the gateway is to be answered.
 *
 * An answer says that the record is kept (RFC 2866 §4.1), and the gateway sends the record again where none comes.
 * A Start is the exception: ocserv denies the login when it is not answered, so a slow or broken disk must not hold
 * it back. Nothing is lost by that: the login itself opened the session, and any Interim or Stop brings the rest.
 */
export async function keepAccounting(record: AccountingRecord, options: AccountingOptions): Promise<boolean> {
  const kept = options.sessions.record(record).then(
    () => true,
    (error: unknown) => {
      const { gateway, user, acctSession, kind } = record
      options.log.error('accounting.unrecorded', { gateway, user, session: acctSession, kind, error })
      return false
    },
  )
  if (record.kind !== 'start') return kept
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, options.startWaitsMs)
  })
  await Promise.race([kept, patience])
  clearTimeout(timer)
  return true
}
