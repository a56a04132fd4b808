import { networkInterfaces } from 'node:os'
import type { Service } from './radius-server.ts'
import { UdpListener } from './udp-listener.ts'

/** Where a socket is to be opened. */
export interface UdpPlace {
  readonly service: Service
  /** `0.0.0.0` and `::` stand for every address that the machine has. */
  readonly address: string
  /** 0: any free port. */
  readonly port: number
}

/** A place as it was expanded: an address of the machine that may go away, or be too new to be listened on. */
export interface OwnPlace extends UdpPlace {
  readonly isOwn: boolean
}

/** `::` stands for IPv4 too, as the system opens it. */
const FAMILIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['0.0.0.0', ['IPv4']],
  ['::', ['IPv4', 'IPv6']],
])

export function standsForAll({ address }: { readonly address: string }): boolean {
  return FAMILIES.has(address)
}

/**
 * The places with an address each. A socket of all addresses would answer from the one that the route back suggests, and
 * Node does not say which one was asked (IP_PKTINFO).
 */
export function expand(places: readonly UdpPlace[]): readonly OwnPlace[] {
  const expanded = new Map<string, OwnPlace>()
  for (const place of places) {
    const isOwn = standsForAll(place)
    for (const address of isOwn ? addressesOf(place.address) : [place.address])
      expanded.set(keyOf({ ...place, address }), { ...place, address, isOwn })
  }
  return [...expanded.values()]
}

export function keyOf({ service, address, port }: UdpPlace): string {
  return `${service} ${address} ${port}`
}

/** Gives the places of all addresses one port each where any would do. */
export async function withPorts(places: readonly UdpPlace[]): Promise<readonly UdpPlace[]> {
  return Promise.all(
    places.map(async (place) => {
      if (place.port !== 0 || !standsForAll(place)) return place
      const probe = await UdpListener.open({ ...place, receive: () => undefined })
      await probe.close()
      return { ...place, port: probe.port }
    }),
  )
}

function addressesOf(wildcard: string): string[] {
  const families = FAMILIES.get(wildcard) ?? []
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family }) => families.includes(family))
      // A link-local address means nothing without its link (RFC 4007 §6).
      .map(({ address, family, scopeid = 0 }) =>
        family === 'IPv6' && scopeid !== 0 ? `${address}%${name}` : address,
      ),
  )
}
