import { Router } from 'express'
import type { WebDependencies } from '../dependencies.ts'

export function portalRoutes(_dependencies: WebDependencies): Router {
  return Router()
}
