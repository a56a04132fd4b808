import type { Request, RequestHandler } from 'express'
import { browserSessionOf } from './browser-session.ts'
import { Problem } from './problem.ts'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses writes that another site's page makes this browser send (CSRF): the browser reports the origin
 * (Sec-Fetch-Site, Origin), and the form or script must know the session's token.
 * @param ownOrigin the origin of the pages, such as `https://vpn.example`; absent: that of each request's own host.
 */
export function refuseForgery(ownOrigin?: string): RequestHandler {
  return (request, _response, next) => {
    if (!SAFE.has(request.method)) checkOrigin(request, ownOrigin)
    if (!SAFE.has(request.method) && !browserSessionOf(request).isOurs(tokenIn(request)))
      throw new Problem('forgery')
    next()
  }
}

/** @throws Problem for a request of another origin. */
function checkOrigin(request: Request, ownOrigin: string | undefined): void {
  const site = request.get('sec-fetch-site')
  const origin = request.get('origin')
  // All current browsers send one of the two with a write.
  if (site === undefined && origin === undefined) throw new Problem('forgery')
  if (site !== undefined && site !== 'same-origin') throw new Problem('forgery')
  if (origin === undefined) return
  const here = `${request.protocol}://${request.get('host') ?? ''}`
  if (origin !== here && origin !== ownOrigin) throw new Problem('forgery')
}

function tokenIn(request: Request): string {
  const inHeader = request.get('x-csrf-token')
  if (inHeader !== undefined) return inHeader
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'csrf')) return ''
  const { csrf } = body as Readonly<Record<string, unknown>>
  return typeof csrf === 'string' ? csrf : ''
}
