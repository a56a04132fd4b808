import { Router } from 'express'
import type { WebDependencies } from './dependencies.ts'
import { deskRoutes } from './desk/routes.ts'
import { portalRoutes } from './portal/routes.ts'

/** The pages: the desk for those who help, the portal for everybody. */
export function webRoutes(dependencies: WebDependencies): Router {
  const router = Router()
  router.use('/desk', deskRoutes(dependencies))
  router.use('/', portalRoutes(dependencies))
  return router
}
