import type { WebSession } from '../../domain/web-session.ts'
import type { Portal } from './portal.ts'

/**
 * Ends every browser that is signed in as this user, as their authenticator is another from now on.
 * @returns the moment for a session to begin that is not ended by this, in wall milliseconds.
 */
export async function signOutOthers(
  { dependencies: { sessions, clock } }: Portal,
  { user }: WebSession,
): Promise<number> {
  await sessions.deleteAllOf(user)
  // Everything that was created up to now has ended, this very millisecond included.
  return clock.now() + 1
}
