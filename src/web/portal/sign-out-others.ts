import type { Request } from 'express'
import { type Endings, usernamesOf, type WebSession } from '../../domain/web-session.ts'
import { addressOf } from '../../http/peer.ts'
import type { Portal } from './portal.ts'

/**
 * Signs the user out of every browser, whichever of the user's names was typed there, and out of every trusted network.
 * @returns what a session must know of that to outlive it.
 */
export async function signOutOthers(
  { services: { webSessions, trusts } }: Portal,
  request: Request,
  session: WebSession,
): Promise<Endings> {
  if (session.subject !== undefined)
    await trusts.revokeAllOf(session.subject, { address: addressOf(request), reason: 'at the portal' })
  const names = [...usernamesOf(session)]
  const endings = names.map(async (name) => [name, await webSessions.deleteAllOf(name)] as const)
  return Object.fromEntries(await Promise.all(endings))
}
