import { type RequestHandler, Router } from 'express'
import type { ProblemPage } from '../http/refusals.ts'
import type { WebDependencies } from './dependencies.ts'
import { deskRoutes } from './desk/routes.ts'
import { Assets } from './frame/assets.ts'
import { Pages } from './frame/pages.ts'
import { portalRoutes } from './portal/routes.ts'

const ASSETS = ['frame/style.css', 'frame/script.js', 'frame/icon.svg', 'desk/desk.css', 'desk/desk.js']

export interface Web {
  readonly routes: RequestHandler
  readonly problemPage: ProblemPage
}

/** The pages: the desk for those who help, the portal for everybody. */
export function openWeb(dependencies: WebDependencies): Web {
  const assets = new Assets(import.meta.dirname, ASSETS)
  const { name, locales, clock } = dependencies
  const pages = new Pages({ name, locales, assets, clock })
  const router = Router()
  router.use(assets.router)
  router.use('/desk', deskRoutes(dependencies, pages))
  router.use('/', portalRoutes(dependencies, pages))
  return { routes: router, problemPage: pages.showProblem }
}
