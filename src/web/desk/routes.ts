import { type Response, Router } from 'express'
import type { HttpServices } from '../../http/services.ts'
import type { Pages } from '../layout/pages.ts'
import { onlyWithRole } from './admission.ts'
import { attemptRoutes } from './attempt-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import { AdminConsole } from './console.ts'
import { inviteRoutes } from './invite-routes.ts'
import { leaveRoutes } from './leave-routes.ts'
import { localUserRoutes } from './local-user-routes.ts'
import { lockRoutes } from './lock-routes.ts'
import { countLockedOut } from './locked-out.ts'
import { lockoutRoutes } from './lockout-routes.ts'
import { nowRoutes } from './now-routes.ts'
import { passwordLinkRoutes } from './password-link-routes.ts'
import { peopleRoutes } from './people-routes.ts'
import { releaseRoutes } from './release-routes.ts'
import { rollOutRoutes } from './roll-out-routes.ts'
import { searchRoutes } from './search-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { timelineRoutes } from './timeline-routes.ts'
import { userListRoutes } from './user-list-routes.ts'
import { userRoutes } from './user-routes.ts'

/** The admin console: who is locked out and why, sessions, users and the audit trail. */
export function consoleRoutes(services: HttpServices, pages: Pages): Router {
  const admin = new AdminConsole(services, pages)
  const router = Router()
  const ask =
    (view: 'needs-code' | 'needs-passkey', title: 'needsCode' | 'needsPasskey') => (response: Response) =>
      pages.show(response, {
        view: `desk/${view}`,
        title: (t) => t(`admin.${title}.title`),
        width: 'slim',
        status: 403,
      })
  router.use(onlyWithRole(services, ask('needs-code', 'needsCode'), ask('needs-passkey', 'needsPasskey')))
  router.use(countLockedOut(services))
  for (const add of [
    nowRoutes,
    releaseRoutes,
    lockoutRoutes,
    attemptRoutes,
    lockRoutes,
    sessionRoutes,
    leaveRoutes,
    peopleRoutes,
    rollOutRoutes,
    inviteRoutes,
    localUserRoutes,
    userListRoutes,
    passwordLinkRoutes,
    userRoutes,
    auditRoutes,
    timelineRoutes,
    searchRoutes,
  ])
    add(router, admin)
  return router
}
