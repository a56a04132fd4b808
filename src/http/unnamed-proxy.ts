import type { Request, RequestHandler } from 'express'
import type { Log } from '../domain/log.ts'
import { isWithin, LOOPBACK, type Network, parseAddress } from '../domain/network.ts'
import { hostIn } from './own-name.ts'

/** RFC 7239 §4, RFC 9110 §7.6.3, and what proxies send besides: X-Forwarded-For, X-Forwarded-Proto and their like. */
const OF_PROXIES = /^(?:forwarded|via|x-real-ip|x-forwarded-.+)$/
/** Peers that are told of, so that many of them fill no log. */
const MOST_PEERS = 20

/**
 * What shows that a proxy passed the request on. The address of the connection is then the proxy's and says nothing about
 * who asks: behind a proxy on this machine everybody would be 127.0.0.1.
 *
 * A client cannot take away what its proxy adds. The other two signs are for proxies that add nothing. They count on
 * loopback alone: no current program asks by HTTP/1.0, as nginx does by default, and none calls this machine by a
 * domain name and reaches its loopback address.
 */
export function signOfProxy({ headers, httpVersion, socket }: Request): string | undefined {
  const header = Object.keys(headers).find((name) => OF_PROXIES.test(name))
  if (header !== undefined || !isWithin(LOOPBACK, socket.remoteAddress)) return header
  if (httpVersion === '1.0') return 'HTTP/1.0'
  const host = hostIn(headers.host)
  return host.includes('.') && !host.endsWith('.localhost') && parseAddress(host) === undefined
    ? 'host'
    : undefined
}

/** Warns once for each peer that is a proxy by its requests and is not a trusted one. */
export function tellUnnamedProxies(
  isTrusted: (address: string) => boolean,
  allow: readonly Network[],
  log: Log,
) {
  const told = new Set<string>()
  const tell: RequestHandler = (request, _response, next) => {
    next()
    const peer = request.socket.remoteAddress ?? ''
    // Anybody can send these headers. Where that gains and loses nothing, one line is enough for all of them.
    const kind = isWithin(allow, peer) ? peer : 'outside of http.allow'
    if (told.has(kind) || told.size >= MOST_PEERS || isTrusted(peer)) return
    const sign = signOfProxy(request)
    if (sign === undefined) return
    told.add(kind)
    log.warn('http.unnamed_proxy', {
      peer,
      sign,
      why: 'requests come through a proxy that is not in http.trusted_proxies: http.allow refuses them, and limits count them as one client',
      remedy: `if this is your proxy, add it to http.trusted_proxies and let it send X-Forwarded-For (docs/proxies.md)`,
    })
  }
  return tell
}
