import { Router } from 'express'
import type { WebDependencies } from '../dependencies.ts'
import type { Pages } from '../frame/pages.ts'

export function portalRoutes(_dependencies: WebDependencies, _pages: Pages): Router {
  return Router()
}
