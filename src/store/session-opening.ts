import type { Kysely } from 'kysely'
import type { Session } from '../domain/session.ts'
import type { Tables } from './schema.ts'
import { sessionColumns } from './session-rows.ts'

/**
 * Writes the session of a login. Where the gateway named the session to come and logs it in again (its Accept was
 * lost, or the client tried twice), the row is taken over: one name stays one session.
 */
export async function openSession(db: Kysely<Tables>, session: Session): Promise<void> {
  const columns = sessionColumns(session)
  await db
    .insertInto('sessions')
    .values({ ...columns, revision: 0 })
    .onConflict((conflict) =>
      conflict.columns(['gateway', 'acct_session']).doUpdateSet((row) => ({
        id: columns.id,
        user_name: columns.user_name,
        user_stem: columns.user_stem,
        subject: columns.subject,
        address: columns.address,
        policy: columns.policy,
        ipv4: columns.ipv4,
        ipv6: columns.ipv6,
        client: columns.client,
        granted_at: columns.granted_at,
        updated_at: columns.updated_at,
        stopped_at: null,
        terminate_cause: null,
        revision: row('sessions.revision', '+', 1),
      })),
    )
    .execute()
}
