import express, { type RequestHandler, Router } from 'express'
import type { Log } from '../domain/log.ts'
import type { Network } from '../domain/network.ts'
import { noBodyBeyond } from './body.ts'
import { type BrowserSessionOptions, withBrowserSession } from './browser-session.ts'
import { reacquireSlot, releaseSlot } from './busy.ts'
import { refuseForgery } from './forgery.ts'
import { onlyUnderOwnName } from './own-name.ts'

/** More than any form of the pages has. */
const MAX_FORM_OCTETS = 16 * 1024
const MAX_FIELDS = 50

export interface PagesOptions extends BrowserSessionOptions {
  /** The address of the pages, such as `https://vpn.example`; absent: the host of each request. */
  readonly publicUrl?: string
  readonly trustedProxies: readonly Network[]
  readonly log: Log
}

/** Before every page: finds the browser's session, parses forms, and refuses writes that come from other sites. */
export function pages(
  { publicUrl, trustedProxies, log, ...browsers }: PagesOptions,
  web: RequestHandler,
): Router {
  const router = Router()
  router.use(onlyUnderOwnName(publicUrl, trustedProxies, log))
  router.use(releaseSlot, noBodyBeyond(MAX_FORM_OCTETS))
  router.use(
    express.urlencoded({
      extended: false,
      limit: MAX_FORM_OCTETS,
      parameterLimit: MAX_FIELDS,
      inflate: false,
    }),
  )
  router.use(reacquireSlot)
  // After the body: the session may have ended while a slow form was received.
  router.use(withBrowserSession(browsers))
  router.use(refuseForgery(publicUrl, log))
  router.use(web)
  return router
}
