import type { Server } from 'node:net'
import { canonicalAddress, customerNetwork } from '../domain/network.ts'

export interface ConnectionLimits {
  /** Open at one time. */
  readonly all: number
  /** Of one peer, or of all in one customer's network. */
  readonly perAddress: number
  /** Peers that speak for many others. */
  readonly isProxy: (address: string) => boolean
}

/** Closes connections beyond the limits as they come in, before a byte of them is read. */
export function capConnections(server: Server, { all, perAddress, isProxy }: ConnectionLimits): void {
  const open = new Map<string, number>()
  server.maxConnections = all
  server.on('connection', (socket) => {
    const address = canonicalAddress(socket.remoteAddress ?? '')
    const customer = customerNetwork(address)
    const count = (open.get(customer) ?? 0) + 1
    if (count > perAddress && !isProxy(address)) {
      socket.destroy()
      return
    }
    open.set(customer, count)
    socket.once('close', () => {
      const left = (open.get(customer) ?? 1) - 1
      if (left === 0) open.delete(customer)
      else open.set(customer, left)
    })
  })
}
