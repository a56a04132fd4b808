import type { Response, Router } from 'express'
import type { Session } from '../../domain/session.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { HttpServices } from '../../http/services.ts'
import { lastOrders } from '../../manage/last-orders.ts'
import { field, goTo } from '../layout/forms.ts'
import type { Portal } from './portal.ts'

const MAX_SESSIONS = 5
/** Sessions to search for those of this user: users of other realms may share the name. */
const SEARCHED_SESSIONS = 50

/** A VPN session as its user sees it. */
export interface OwnSession extends Session {
  /** Its end has been ordered, and the gateway has not answered. */
  readonly isEnding: boolean
  readonly canEnd: boolean
}

/** The newest VPN sessions of a signed-in user. @throws Unavailable */
export async function ownSessions(
  { subject, user }: Pick<WebSession, 'subject' | 'user'>,
  { records }: Pick<HttpServices, 'records'>,
): Promise<readonly OwnSession[]> {
  const found = await records.sessions.list({ user, limit: SEARCHED_SESSIONS })
  const own = found.filter((session) => session.subject === subject).slice(0, MAX_SESSIONS)
  const orderOf = await lastOrders(own, records.orders)
  return own.map((session) => {
    const order = orderOf(session)
    const isEnding = order !== undefined && order.doneAt === undefined
    return { ...session, isEnding, canEnd: isEndable(session) && !isEnding }
  })
}

/** Without an Acct-Session-Id an order would mean every session under the name, which may be another person's too. */
function isEndable({ stoppedAt, acctSession }: Session): boolean {
  return stoppedAt === undefined && acctSession !== undefined
}

/** Lets users end their own VPN sessions, as after they have left a computer behind. */
export function ownSessionRoutes(router: Router, portal: Portal): void {
  const { records, ending } = portal.services

  router.post('/sessions/end', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'in' || session.subject === undefined) return goTo(response, '/')
    const { subject } = session
    const wanted = await records.sessions.find(field(request, 'id'))
    if (wanted?.subject !== subject || !isEndable(wanted)) return say(response, session, 'sessionOver')
    const answer = await ending.end(
      { id: wanted.id },
      { actor: `${session.user} (web)`, reason: 'at the portal' },
    )
    if (answer.kind !== 'ordered') return say(response, session, 'sessionOver')
    await say(response, session, answer.unreached.length > 0 ? 'sessionUnreached' : 'sessionEnding')
  })

  async function say(
    response: Response,
    session: WebSession,
    said: 'sessionOver' | 'sessionEnding' | 'sessionUnreached',
  ): Promise<void> {
    await browserSessionOf(response.req).change({ ...session, notes: { ...session.notes, said } })
    goTo(response, '/')
  }
}
