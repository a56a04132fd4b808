import type { Request, RequestHandler } from 'express'
import { canonicalAddress, isWithin, type Network, parseAddress } from '../domain/network.ts'
import { Problem } from './problem.ts'

/**
 * Where a request comes from: the peer, or what a trusted proxy says of it. Text that is no address, which a proxy may
 * pass on, counts as the proxy itself.
 */
export function addressOf(request: Request): string {
  const peer = request.socket.remoteAddress ?? ''
  const told = request.ip ?? peer
  return canonicalAddress(parseAddress(told) === undefined ? peer : told)
}

/** Lets through what comes from one of the networks alone. */
export function onlyFrom(networks: readonly Network[]): RequestHandler {
  return (request, _response, next) => {
    if (!isWithin(networks, addressOf(request))) throw new Problem('address-not-allowed')
    next()
  }
}
