import { Router } from 'express'
import type { EventStreams } from '../../http/api/events.ts'
import type { HttpServices } from '../../http/services.ts'
import type { Pages } from '../layout/pages.ts'
import { accountRoutes } from './account-routes.ts'
import { approveRoutes } from './approve-routes.ts'
import { choosePasswordRoutes } from './choose-password-routes.ts'
import { enrolRoutes } from './enrol-routes.ts'
import { ownSessionRoutes } from './own-sessions.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { passwordRoutes } from './password-routes.ts'
import { Portal } from './portal.ts'
import { recoveryCodeRoutes } from './recovery-codes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { signOutRoutes } from './sign-out-routes.ts'
import { singleSignOnRoutes } from './single-sign-on-routes.ts'

/** Where users enrol their authenticator and look after it. */
export function portalRoutes(services: HttpServices, pages: Pages, streams: EventStreams): Router {
  const portal = new Portal(services, pages)
  const router = Router()
  signInRoutes(router, portal)
  if (services.singleSignOn !== undefined) singleSignOnRoutes(router, portal, services.singleSignOn)
  signOutRoutes(router, portal)
  enrolRoutes(router, portal)
  recoveryCodeRoutes(router, portal)
  accountRoutes(router, portal)
  ownSessionRoutes(router, portal)
  passkeyRoutes(router, portal)
  passwordRoutes(router, portal)
  choosePasswordRoutes(router, portal)
  if (services.approving !== undefined) approveRoutes(router, portal, services.approving, streams)
  return router
}
