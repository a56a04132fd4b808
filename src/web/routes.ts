import { type RequestHandler, Router } from 'express'
import type { EventStreams } from '../http/api/events.ts'
import type { ProblemPage } from '../http/refusals.ts'
import type { HttpServices } from '../http/services.ts'
import { consoleRoutes } from './desk/routes.ts'
import { Assets } from './layout/assets.ts'
import { languageRoutes } from './layout/language-routes.ts'
import { Pages } from './layout/pages.ts'
import { Portal } from './portal/portal.ts'
import { portalRoutes } from './portal/routes.ts'
import { unsentForms } from './portal/unsent-routes.ts'

export interface Web {
  readonly routes: RequestHandler
  readonly problemPage: ProblemPage
}

/** The pages: the admin console under /desk, and the portal for all users. */
export function openWeb(services: HttpServices, streams: EventStreams): Web {
  const assets = new Assets()
  const pages = new Pages(services, assets)
  const router = Router()
  router.use(assets.router)
  router.use(languageRoutes(services.locales))
  router.use(unsentForms(new Portal(services, pages)))
  router.use('/desk', consoleRoutes(services, pages))
  router.use('/', portalRoutes(services, pages, streams))
  return { routes: router, problemPage: pages.showProblem }
}
