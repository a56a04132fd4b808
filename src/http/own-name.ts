import type { RequestHandler } from 'express'
import type { Log } from '../domain/log.ts'
import { isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'

/**
 * Refuses requests under another host name. Otherwise a site could load its page, point its name at the broker's
 * address, and let the page send requests from within the network (DNS rebinding). Addresses are always accepted, and
 * so is the name that a trusted proxy sends.
 * @param publicUrl the address of the pages; without it every name is accepted.
 */
export function onlyUnderOwnName(
  publicUrl: string | undefined,
  proxies: readonly Network[],
  log: Log,
): RequestHandler {
  let isTold = false
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).hostname
  return (request, _response, next) => {
    const isOurs =
      own === undefined ||
      isWithin(proxies, request.socket.remoteAddress) ||
      isLocal(hostIn(request.headers.host)) ||
      hostIn(request.headers.host) === own
    if (isOurs) return next()
    if (!isTold)
      log.warn('http.other_host', {
        host: hostIn(request.headers.host),
        own,
        why: 'pages are not shown under a host that is not that of portal.public_url',
        remedy:
          'correct portal.public_url, or let the proxy send this host; nothing to do if the name is not yours',
      })
    isTold = true
    throw new Problem('misdirected')
  }
}

/** The name or address of a `Host`, in lower case; empty where it is none. */
export function hostIn(header = ''): string {
  return URL.parse(`http://${header}`)?.hostname ?? ''
}

function isLocal(host: string): boolean {
  return host === 'localhost' || parseAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined
}
