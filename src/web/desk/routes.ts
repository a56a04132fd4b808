import { Router } from 'express'
import type { WebDependencies } from '../dependencies.ts'

export function deskRoutes(_dependencies: WebDependencies): Router {
  return Router()
}
