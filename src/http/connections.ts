import type { Server } from 'node:net'
import { canonicalAddress, isWiderNetwork, networksAround } from '../domain/network.ts'

export interface ConnectionLimits {
  /** Open at one time. */
  readonly all: number
  /** Of one peer, or of all in one customer's network; those of a wider network of IPv6 have half of `all`. */
  readonly perAddress: number
  /** Peers that speak for many others. */
  readonly isProxy: (address: string) => boolean
}

/**
 * Closes connections beyond the limits as they come in, before a byte of them is read.
 * @returns what sets the limits; until then there are none.
 */
export function capConnections(server: Server): (limits: ConnectionLimits) => void {
  const open = new Map<string, number>()
  let limits: ConnectionLimits | undefined

  function isFull(network: string): boolean {
    if (limits === undefined) return false
    const { all, perAddress } = limits
    const most = isWiderNetwork(network) ? Math.max(perAddress, Math.ceil(all / 2)) : perAddress
    return (open.get(network) ?? 0) >= most
  }

  server.on('connection', (socket) => {
    const address = canonicalAddress(socket.remoteAddress ?? '')
    const networks = networksAround(address)
    if (limits?.isProxy(address) === false && networks.some(isFull)) {
      socket.destroy()
      return
    }
    for (const network of networks) open.set(network, (open.get(network) ?? 0) + 1)
    socket.once('close', () => {
      for (const network of networks) {
        const left = (open.get(network) ?? 1) - 1
        if (left === 0) open.delete(network)
        else open.set(network, left)
      }
    })
  })
  return (next) => {
    limits = next
    server.maxConnections = next.all
  }
}
