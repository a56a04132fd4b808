import type { Request, RequestHandler } from 'express'
import type { Log } from '../domain/log.ts'
import { browserSessionOf } from './browser-session.ts'
import { Problem } from './problem.ts'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses writes that another site's page makes this browser send (CSRF): the browser reports the origin
 * (Sec-Fetch-Site, Origin), and the form or script must know the session's token.
 * @param publicUrl the address of the pages, such as `https://vpn.example`; absent: that of each request's own host.
 */
export function refuseForgery(publicUrl: string | undefined, log: Log): RequestHandler {
  const ownOrigin = publicUrl === undefined ? undefined : new URL(publicUrl).origin
  let isTold = false
  /** A proxy that changes host or scheme makes every form look like another site's: say it, once. */
  const tell = (origin: string, here: string) => {
    if (isTold) return
    isTold = true
    log.warn('http.other_origin', {
      browser: origin,
      broker: ownOrigin ?? here,
      why: 'a form was refused: by its browser it comes from another address than the pages have',
      remedy: `if ${origin} is the address of the portal, set portal.public_url to it; otherwise another site tried to send a form`,
    })
  }
  return (request, _response, next) => {
    if (!SAFE.has(request.method)) checkOrigin(request, ownOrigin, tell)
    if (!SAFE.has(request.method) && !browserSessionOf(request).isOurs(tokenIn(request)))
      throw new Problem('forgery')
    next()
  }
}

/** @throws Problem for a request of another origin. */
function checkOrigin(
  request: Request,
  ownOrigin: string | undefined,
  tell: (origin: string, here: string) => void,
): void {
  const site = request.get('sec-fetch-site')
  const origin = request.get('origin')
  // All current browsers send one of the two with a write.
  if (site === undefined && origin === undefined) throw new Problem('forgery')
  if (site !== undefined && site !== 'same-origin') throw new Problem('forgery')
  if (origin === undefined) return
  const here = `${request.protocol}://${request.get('host') ?? ''}`
  if (origin === here || origin === ownOrigin) return
  tell(printable(origin), here)
  throw new Problem('forgery')
}

/** Whatever a client sent, as one that can be shown: a scheme and a host, or nothing of it. */
function printable(origin: string): string {
  return URL.parse(origin)?.origin ?? 'null'
}

function tokenIn(request: Request): string {
  const inHeader = request.get('x-csrf-token')
  if (inHeader !== undefined) return inHeader
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'csrf')) return ''
  const { csrf } = body as Readonly<Record<string, unknown>>
  return typeof csrf === 'string' ? csrf : ''
}
