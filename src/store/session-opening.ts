import type { Kysely, OnConflictBuilder } from 'kysely'
import type { Session } from '../domain/session.ts'
import { type Place, placesOf, prepared } from './prepared.ts'
import type { SessionRow, Tables } from './schema.ts'
import { SESSION_COLUMNS, sessionColumns } from './session-rows.ts'

/**
 * Writes the session of a login. Where the gateway named the session to come and logs it in again (its Accept was
 * lost, or the client tried twice), the row is taken over: one name stays one session.
 */
export async function openSession(db: Kysely<Tables>, session: Session): Promise<void> {
  await open(db, { ...sessionColumns(session), revision: 0 })
}

const open = prepared((db, value: Place<SessionRow>) =>
  db.insertInto('sessions').values(placesOf(value, SESSION_COLUMNS)).onConflict(takingOver(value)),
)

export function takingOver(value: Place<SessionRow>) {
  return (conflict: OnConflictBuilder<Tables, 'sessions'>) =>
    conflict.columns(['gateway', 'acct_session']).doUpdateSet((row) => ({
      id: value('id'),
      user_name: value('user_name'),
      user_stem: value('user_stem'),
      subject: value('subject'),
      address: value('address'),
      network: value('network'),
      policy: value('policy'),
      pool: value('pool'),
      ipv4: row.ref('excluded.ipv4'),
      ipv6: value('ipv6'),
      client: value('client'),
      granted_at: value('granted_at'),
      kept_ms: value('kept_ms'),
      updated_at: value('updated_at'),
      stopped_at: null,
      terminate_cause: null,
      revision: row('sessions.revision', '+', 1),
    }))
}
