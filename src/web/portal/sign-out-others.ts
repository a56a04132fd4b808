import { stemsOf, type WebSession } from '../../domain/web-session.ts'
import type { Portal } from './portal.ts'

/**
 * Ends every browser that is signed in as this user, whichever of their names was typed there.
 * @returns the moment for a session to begin that is not ended by this, in wall milliseconds.
 */
export async function signOutOthers(
  { dependencies: { sessions, clock } }: Portal,
  session: WebSession,
): Promise<number> {
  await Promise.all([...stemsOf(session)].map((stem) => sessions.deleteAllOf(stem)))
  // Everything that was created up to now has ended, this very millisecond included.
  return clock.now() + 1
}
