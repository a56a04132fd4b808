import express, { type RequestHandler, Router } from 'express'
import type { Network } from '../domain/network.ts'
import { noBodyBeyond } from './body.ts'
import { comeBack, stepOut } from './busy.ts'
import { refuseForgery } from './forgery.ts'
import { onlyUnderOwnName } from './own-name.ts'
import { type VisitOptions, visiting } from './visit.ts'

/** More than any form of the pages has. */
const LARGEST_FORM = 16 * 1024
const MOST_FIELDS = 50

export interface PagesOptions extends VisitOptions {
  /** As `https://vpn.example`; absent: wherever a request went to. */
  readonly publicUrl?: string
  readonly trustedProxies: readonly Network[]
}

/** What every page may rely on: a visit, fields read, and writes that come from pages of the broker alone. */
export function pages({ publicUrl, trustedProxies, ...visits }: PagesOptions, web: RequestHandler): Router {
  const router = Router()
  router.use(onlyUnderOwnName(publicUrl, trustedProxies))
  router.use(stepOut, noBodyBeyond(LARGEST_FORM))
  router.use(
    express.urlencoded({
      extended: false,
      limit: LARGEST_FORM,
      parameterLimit: MOST_FIELDS,
      inflate: false,
    }),
  )
  router.use(comeBack)
  // A form may take its time, and its visit may be ended meanwhile.
  router.use(visiting(visits))
  router.use(refuseForgery(publicUrl))
  router.use(web)
  return router
}
