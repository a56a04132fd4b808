import type { Request, RequestHandler } from 'express'
import { canonicalAddress, isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'

/**
 * Where a request comes from, for limits and records: the peer, or what a trusted proxy says of it. A proxy that says
 * no address counts itself.
 */
export function addressOf(request: Request): string {
  return clientOf(request) ?? canonicalAddress(request.socket.remoteAddress ?? '')
}

/** Whether it is known to come from one of the networks; not of what a trusted proxy says no address of. */
export function isFrom(networks: readonly Network[], request: Request): boolean {
  return isWithin(networks, clientOf(request))
}

/** Lets through what comes from one of the networks alone. */
export function onlyFrom(networks: readonly Network[]): RequestHandler {
  return (request, _response, next) => {
    if (!isFrom(networks, request)) throw new Problem('address-not-allowed')
    next()
  }
}

/** Some proxies say the port too: `192.0.2.7:41234`, `[2001:db8::1]:443`, `[2001:db8::1]`. */
export function withoutPort(text: string): string {
  const [, address] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? /^([\d.]+):\d+$/.exec(text) ?? []
  return address ?? text
}

function clientOf(request: Request): string | undefined {
  const peer = request.socket.remoteAddress ?? ''
  const isTrusted: (address: string, hop: number) => boolean = request.app.get('trust proxy fn')
  // From the client on to the proxy before the last, as far as the ones behind it are trusted.
  const told = isTrusted(peer, 0) ? withoutPort(request.ips[0] ?? '') : peer
  return parseAddress(told)?.toString()
}
