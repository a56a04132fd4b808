import type { Request, RequestHandler } from 'express'
import { Problem } from './problem.ts'
import { visitOf } from './visit.ts'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses writes that another site's page sends by this browser: the browser says where it comes from (Sec-Fetch-Site,
 * Origin), and the form or script must know the visit's own token. For requests that rest on a cookie, or on nothing.
 * @param ownOrigin where the pages are known to stand, as `https://vpn.example`; absent: wherever the request went to.
 */
export function refuseForgery(ownOrigin?: string): RequestHandler {
  return (request, _response, next) => {
    if (!SAFE.has(request.method)) checkOrigin(request, ownOrigin)
    if (!SAFE.has(request.method) && !visitOf(request).isOurs(tokenIn(request))) throw new Problem('forgery')
    next()
  }
}

/** The first half of it. @throws Problem */
function checkOrigin(request: Request, ownOrigin: string | undefined): void {
  const site = request.get('sec-fetch-site')
  const origin = request.get('origin')
  // Every browser of the last years sends one of the two with a write.
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
