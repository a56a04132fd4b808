import { customerNetwork } from '../domain/network.ts'

/** The network that is kept beside an address: none for IPv4, where the address says all. */
export function networkColumn(address: string | undefined): string | null {
  const network = address === undefined ? undefined : customerNetwork(address)
  return network !== undefined && isNetwork(network) ? network : null
}

/** Which column a search for an address or for the network of a customer looks at. */
export function placeColumn(place: string): 'address' | 'network' {
  return isNetwork(place) ? 'network' : 'address'
}

function isNetwork(place: string): boolean {
  return place.includes('/')
}
