import { Router } from 'express'
import type { WebDependencies } from '../dependencies.ts'
import type { Pages } from '../frame/pages.ts'
import { onlyAtTheDesk } from './admission.ts'
import { auditRoutes } from './audit-routes.ts'
import { Desk } from './desk.ts'
import { lockRoutes } from './lock-routes.ts'
import { lockoutRoutes } from './lockout-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { userRoutes } from './user-routes.ts'
import { DESK_WORDS } from './words.ts'

/** Where the security team sees who is locked out, why, and lets them in. */
export function deskRoutes(dependencies: WebDependencies, pages: Pages): Router {
  const desk = new Desk(dependencies, pages)
  const router = Router()
  router.use(
    onlyAtTheDesk(dependencies, (request, response) => {
      const words = DESK_WORDS[pages.localeOf(request)]
      pages.show(request, response, {
        view: 'desk/again',
        title: words.again.title,
        words,
        width: 'slim',
        status: 403,
      })
    }),
  )
  lockoutRoutes(router, desk)
  lockRoutes(router, desk)
  userRoutes(router, desk)
  sessionRoutes(router, desk)
  auditRoutes(router, desk)
  return router
}
