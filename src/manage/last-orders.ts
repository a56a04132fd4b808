import type { Session } from '../domain/session.ts'
import type { OrderStore, SessionOrder } from '../domain/session-order.ts'

/** Orders about the sessions of one page, at most. */
const MOST = 500

/** @returns the last order to end each of these sessions by, from a call with the session. @throws Unavailable */
export async function lastOrders(
  sessions: readonly Session[],
  orders: Pick<OrderStore, 'list'>,
): Promise<(session: Session) => SessionOrder | undefined> {
  const targets = [...new Set(sessions.map(({ acctSession, user }) => acctSession ?? user))]
  const found = targets.length === 0 ? [] : await orders.list({ targets, limit: MOST })
  const last = new Map<string, SessionOrder>()
  for (const order of found.toReversed()) if (order.kind === 'end') last.set(keyOf(order), order)
  return ({ gateway, acctSession, user, grantedAt = 0 }) => {
    const target = acctSession === undefined ? { user } : { session: acctSession }
    const order = last.get(keyOf({ gateway, target }))
    // A name is that of other sessions, too.
    return order !== undefined && order.at >= grantedAt ? order : undefined
  }
}

function keyOf({ gateway, target }: Pick<SessionOrder, 'gateway' | 'target'>): string {
  return JSON.stringify([gateway, target])
}
