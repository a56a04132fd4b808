import type { Request, RequestHandler } from 'express'
import { canonicalAddress, isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'
import { signOfProxy } from './unnamed-proxy.ts'

/**
 * The client's address, for limits and records: the peer, or the address that a trusted proxy reports. A proxy that
 * reports none counts as the client.
 */
export function addressOf(request: Request): string {
  return clientOf(request) ?? canonicalAddress(request.socket.remoteAddress ?? '')
}

/**
 * Whether the request comes from one of the networks; false where a trusted proxy reports no address, and where another
 * proxy passed it on.
 */
export function isFrom(networks: readonly Network[], request: Request): boolean {
  return isWithin(networks, clientOf(request))
}

/** Admits only requests from the networks. */
export function onlyFrom(networks: readonly Network[]): RequestHandler {
  return (request, _response, next) => {
    if (!isFrom(networks, request)) throw new Problem('address-not-allowed')
    next()
  }
}

/** Some proxies report the port too: `192.0.2.7:41234`, `[2001:db8::1]:443`, `[2001:db8::1]`. */
export function withoutPort(text: string): string {
  const [, address] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? /^([\d.]+):\d+$/.exec(text) ?? []
  return address ?? text
}

function clientOf(request: Request): string | undefined {
  const peer = request.socket.remoteAddress ?? ''
  const isTrusted: (address: string, hop: number) => boolean = request.app.get('trust proxy fn')
  // `ips` runs from the client to the proxy before the last, as far as the proxies are trusted.
  if (isTrusted(peer, 0)) return parseAddress(withoutPort(request.ips[0] ?? ''))?.toString()
  return signOfProxy(request) === undefined ? parseAddress(peer)?.toString() : undefined
}
