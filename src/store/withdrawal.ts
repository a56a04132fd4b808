import type { Kysely } from 'kysely'
import type { Withdrawal } from '../domain/login-records.ts'
import { auditRow } from './audit.ts'
import { inOrderWritten } from './audit-order.ts'
import { lockLeasesOf } from './lease-locking.ts'
import { transact } from './prepared.ts'
import type { AuditEventRow, Tables } from './schema.ts'

/**
 * The refusal takes the identifier of the admission's event. If it is free, the admission is not stored, and from then
 * on cannot be: its event would be the second of one identifier. A statement that is still running is waited for.
 */
export function withdraw(db: Kysely<Tables>, { session, refused, withdrawn }: Withdrawal): Promise<boolean> {
  return transact(db, async (transaction) => {
    await insertUnlessThere(transaction, auditRow(refused))
    const { kind } = await transaction
      .selectFrom('audit_events')
      .select('kind')
      .where('id', '=', refused.id)
      .executeTakeFirstOrThrow()
    if (kind !== 'login.accepted') return false
    if (session !== undefined) await endUnused(transaction, session, withdrawn.at)
    await insertUnlessThere(transaction, auditRow(withdrawn))
    return true
  })
}

/** A call whose answer was lost is repeated. */
async function insertUnlessThere(db: Kysely<Tables>, event: AuditEventRow): Promise<void> {
  await db
    .insertInto('audit_events')
    .values({ ...event, ...inOrderWritten(db) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

/** What accounting has named is in use: a gateway took the login for another of the same user. */
async function endUnused(db: Kysely<Tables>, session: string, at: number): Promise<void> {
  for (const address of await lockLeasesOf(db, [session]))
    await db
      .updateTable('leases')
      .set({ session: null, freed_at: at })
      .where('address', '=', address)
      .where('session', '=', session)
      .where('heard_at', 'is', null)
      .execute()
  await db
    .updateTable('sessions')
    .set((row) => ({ stopped_at: at, revision: row('revision', '+', 1) }))
    .where('id', '=', session)
    .where('started_at', 'is', null)
    .where('stopped_at', 'is', null)
    .execute()
}
