import { isWiderNetwork, networksAround } from '../domain/network.ts'

/**
 * A bounded number of places, of which one client never has more than its share. A wider network, which several clients
 * may have together, has twice that.
 */
export class SharedPlaces {
  readonly #places: number
  readonly #share: number
  readonly #taken = new Map<string, number>()
  #count = 0

  /** @param share of one client. */
  constructor(places: number, share: number) {
    this.#places = places
    this.#share = share
  }

  /** @returns what gives the place back, however often it is called; undefined if there is none for this address. */
  take(address: string): (() => void) | undefined {
    const networks = networksAround(address)
    if (this.#count >= this.#places || !networks.every((network) => this.#hasShare(network))) return undefined
    this.#count += 1
    for (const network of networks) this.#taken.set(network, (this.#taken.get(network) ?? 0) + 1)
    let isTaken = true
    return () => {
      if (isTaken) this.#give(networks)
      isTaken = false
    }
  }

  #hasShare(network: string): boolean {
    return (this.#taken.get(network) ?? 0) < this.#share * (isWiderNetwork(network) ? 2 : 1)
  }

  #give(networks: readonly string[]): void {
    this.#count -= 1
    for (const network of networks) {
      const left = (this.#taken.get(network) ?? 1) - 1
      if (left === 0) this.#taken.delete(network)
      else this.#taken.set(network, left)
    }
  }
}
