import type { RequestHandler } from 'express'
import { isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'

/**
 * Refuses browsers that were sent here under another site's name: a name that its owner points at the broker's address
 * once its page is loaded would otherwise let that page ask from within the network (DNS rebinding). An address is no
 * such name. What comes by a proxy has the name that the proxy gives it.
 * @param publicUrl where the pages are known to stand; absent: under any name.
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
