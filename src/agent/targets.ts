import { canonicalUserName } from '../domain/login-name.ts'
import { canonicalAddress } from '../domain/network.ts'
import type { ListedSession, Tunnel } from './listing.ts'
import type { Target } from './order.ts'

/** Whether an order is about a session. A name that is not wholly known is about nobody. */
export function isMeant(target: Target, session: ListedSession & Partial<Tunnel>): boolean {
  if ('session' in target) return session.acctSession === target.session
  if ('user' in target) return session.isNameKnown && isSameUser(target.user, session.user)
  const address = canonicalAddress(target.address)
  return [session.address, session.ipv4, session.ipv6].includes(address)
}

/** ocserv has a name as it was typed, the broker in the form in which names are compared. */
function isSameUser(wanted: string, listed: string): boolean {
  if (wanted === listed) return true
  const name = canonicalUserName(wanted)
  return name !== undefined && name === canonicalUserName(listed)
}
