import type { Person } from '../domain/person.ts'
import type { Session, SessionStore } from '../domain/session.ts'
import { countedTogether, isLive, type SessionLimit } from '../domain/session-limit.ts'

/** How many sessions a user has whose policy limits them, and how many there may be. */
export interface SessionCount {
  readonly live: number
  readonly most: number
}

/** @param login of a user who is asked about; its name as the gateway would send it. */
export async function countSessions(
  limit: SessionLimit,
  { subject }: Person,
  login: Pick<Session, 'user' | 'gateway'> & { readonly at: number },
  sessions: Pick<SessionStore, 'standing'>,
): Promise<SessionCount> {
  const counted = countedTogether(await sessions.standing({ user: login.user, subject }), login, limit)
  return { live: counted.filter((each) => isLive(each, login.at)).length, most: limit.most }
}
