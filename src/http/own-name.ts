import type { RequestHandler } from 'express'
import { isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'

/**
 * Refuses requests under another host name. Otherwise a site could load its page, point its name at the broker's
 * address, and let the page send requests from within the network (DNS rebinding). Addresses are always accepted, and
 * so is the name that a trusted proxy sends.
 * @param publicUrl the address of the pages; without it every name is accepted.
 */
export function onlyUnderOwnName(publicUrl: string | undefined, proxies: readonly Network[]): RequestHandler {
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).hostname
  return (request, _response, next) => {
    const isOurs =
      own === undefined ||
      isWithin(proxies, request.socket.remoteAddress) ||
      isLocal(hostIn(request.headers.host)) ||
      hostIn(request.headers.host) === own
    if (!isOurs) throw new Problem('misdirected')
    next()
  }
}

function hostIn(header = ''): string {
  return URL.parse(`http://${header}`)?.hostname ?? ''
}

function isLocal(host: string): boolean {
  return host === 'localhost' || parseAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined
}
