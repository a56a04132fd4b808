import express, { type RequestHandler, Router } from 'express'
import type { Log } from '../domain/log.ts'
import type { Network } from '../domain/network.ts'
import { noBodyBeyond } from './body.ts'
import { type BrowserSessionOptions, browserSessionOf, withBrowserSession } from './browser-session.ts'
import { reacquireSlot, releaseSlot } from './busy.ts'
import { refuseForgery } from './forgery.ts'
import { onlyUnderOwnName } from './own-name.ts'
import { Problem } from './problem.ts'

/** More than any form of the pages has. */
const MAX_FORM_OCTETS = 16 * 1024
const MAX_FIELDS = 50
/** The forms of a list of users, which only somebody who is signed in can send. */
const LARGE_FORMS: ReadonlySet<string> = new Set(['/desk/user-list', '/desk/user-list/carry-out'])
const MAX_LARGE_FORM_OCTETS = 1024 * 1024

export interface PagesOptions extends BrowserSessionOptions {
  /** The address of the pages, such as `https://vpn.example`; absent: the host of each request. */
  readonly publicUrl?: string
  readonly trustedProxies: readonly Network[]
  readonly log: Log
}

function formOf(octets: number): readonly RequestHandler[] {
  const limits = { limit: octets, parameterLimit: MAX_FIELDS }
  return [noBodyBeyond(octets), express.urlencoded({ extended: false, inflate: false, ...limits })]
}

/** @throws Problem `unauthenticated` */
const onlySignedIn: RequestHandler = (request, _response, next) => {
  if (browserSessionOf(request).session?.stage !== 'in') throw new Problem('unauthenticated')
  next()
}

/** Before every page: finds the browser's session, parses forms, and refuses writes that come from other sites. */
export function pages(
  { publicUrl, trustedProxies, log, ...browsers }: PagesOptions,
  web: RequestHandler,
): Router {
  const router = Router()
  router.use(onlyUnderOwnName(publicUrl, trustedProxies, log))
  const browserSession = withBrowserSession(browsers)
  const form = Router().use(...formOf(MAX_FORM_OCTETS))
  const largeForm = Router().use(browserSession, onlySignedIn, ...formOf(MAX_LARGE_FORM_OCTETS))
  router.use(releaseSlot)
  router.use((request, response, next) => {
    const isLarge = request.method === 'POST' && LARGE_FORMS.has(request.path)
    return (isLarge ? largeForm : form)(request, response, next)
  })
  router.use(reacquireSlot)
  // After the body: the session may have ended while a slow form was received.
  router.use(browserSession)
  router.use(refuseForgery(publicUrl, log))
  router.use(web)
  return router
}
