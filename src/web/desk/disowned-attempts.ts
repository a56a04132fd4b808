import type { HttpServices } from '../../http/services.ts'
import { eventsSince } from './recent-events.ts'

/** Refused sign-ins, and logins that were to be approved, that their user says were somebody else's. */
export interface Disowned {
  readonly user: string
  readonly address: string
}

const LOOK_BACK_MS = 24 * 3_600_000
const MAX_EVENTS = 5

/** Those of the last 24 hours, the newest first. @param now wall milliseconds. */
export async function disownedAttempts(
  audit: Pick<HttpServices['records']['audit'], 'list'>,
  now: number,
): Promise<readonly Disowned[]> {
  const kinds = ['attempts.disowned', 'login.disowned'] as const
  const events = await eventsSince(audit, now - LOOK_BACK_MS, { kinds, limit: MAX_EVENTS })
  return events.map(({ user = '', address = '' }) => ({ user, address }))
}
