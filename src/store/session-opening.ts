import type { Kysely, OnConflictBuilder } from 'kysely'
import type { Session } from '../domain/session.ts'
import { type Param, paramsOf, prepared } from './prepared.ts'
import type { SessionRow, Tables } from './schema.ts'
import { SESSION_COLUMNS, sessionRow } from './session-rows.ts'
import { freeEndedName } from './used-again.ts'

/**
 * Writes the session of a login. Where the gateway named the session to come and logs it in again (its Accept was
 * lost, or the client tried twice), the row is taken over: one name stays one session. A session that has ended stays
 * as it is, and the login gets one of its own under the same name.
 */
export async function openSession(db: Kysely<Tables>, session: Session): Promise<void> {
  const { gateway, acctSession } = session
  if (acctSession !== undefined) await freeEndedName(db, { gateway, acctSession })
  await open(db, sessionRow(session))
}

const open = prepared((db, value: Param<SessionRow>) =>
  db.insertInto('sessions').values(paramsOf(value, SESSION_COLUMNS)).onConflict(takingOver(value)),
)

export function takingOver(value: Param<SessionRow>) {
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
      ipv6: row.ref('excluded.ipv6'),
      client: value('client'),
      granted_at: value('granted_at'),
      kept_ms: value('kept_ms'),
      updated_at: value('updated_at'),
      // Where transactions run at the same time, it may have ended since the name was looked at.
      stopped_at: null,
      terminate_cause: null,
      gave_way_at: null,
      turn: row.ref('excluded.turn'),
      revision: row('sessions.revision', '+', 1),
    }))
}
