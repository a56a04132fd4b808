import type { Gateway } from '../domain/gateway.ts'
import type { Log } from '../domain/log.ts'
import type { GatewayStore } from '../domain/login-records.ts'
import { canonicalAddress, longestMatch, parseAddress } from '../domain/network.ts'
import { SharedSecret } from '../radius/shared-secret.ts'

/** A gateway as one of its addresses is seen. */
export interface Peer {
  readonly gateway: Gateway
  readonly secret: SharedSecret
  /** Canonical source address. */
  readonly address: string
  /** Whether a request without Message-Authenticator is to be dropped. */
  requiresAuthenticator(): boolean
  /** To be called when a request proved to carry a valid one. */
  sawAuthenticator(): void
}

export interface GatewayTableOptions {
  readonly gateways: readonly Gateway[]
  readonly memory: GatewayStore
  /** Told what was learned, so that others who answer the same gateways learn it too. */
  readonly learned?: (key: string) => void
  readonly log: Log
}

const MAX_PEERS = 10_000

/**
 * Who may ask, by source address: the longest prefix wins. Under `auto` the table learns, for each address, that
 * Message-Authenticator is sent, and from then on demands it; the records keep that over restarts, so that nobody
 * can talk a gateway down again (RFC 3579 §3.2 leaves the demand to the server; CVE-2024-3596 is the reason).
 */
export class GatewayTable {
  readonly #networks: readonly {
    network: Gateway['networks'][number]
    gateway: Gateway
    secret: SharedSecret
  }[]
  readonly #peers = new Map<string, Peer>()
  /** Sources that are no gateway's: whoever floods from one is not looked for anew with each packet. */
  readonly #strangers = new Set<string>()
  readonly #authenticating: Set<string>
  readonly #options: GatewayTableOptions

  private constructor(options: GatewayTableOptions, authenticating: readonly string[]) {
    this.#options = options
    this.#authenticating = new Set(authenticating)
    this.#networks = options.gateways.flatMap((gateway) => {
      const secret = new SharedSecret(gateway.secret.bytes())
      return gateway.networks.map((network) => ({ network, gateway, secret }))
    })
  }

  /** @throws Unavailable where the records cannot be read. */
  static async open(options: GatewayTableOptions): Promise<GatewayTable> {
    const { gateways, memory } = options
    // Set to `off` by hand, what was learned is forgotten: that is the operator's way back.
    const off = new Set(
      gateways.filter((gateway) => gateway.messageAuthenticator === 'off').map(({ name }) => name),
    )
    const learned = await memory.authenticating()
    const forgotten = learned.filter((key) => off.has(nameOf(key)))
    for (const key of forgotten) await memory.forget(key)
    return new GatewayTable(
      options,
      learned.filter((key) => !forgotten.includes(key)),
    )
  }

  /** @param source the datagram's source address as the system writes it. */
  find(source: string): Peer | undefined {
    const known = this.#peers.get(source)
    if (known !== undefined || this.#strangers.has(source)) return known
    const address = parseAddress(source)
    const found = address === undefined ? undefined : longestMatch(this.#networks, address)
    if (found === undefined) {
      if (this.#strangers.size >= MAX_PEERS) this.#strangers.clear()
      this.#strangers.add(source)
      return undefined
    }
    const peer = this.#peer(found.gateway, found.secret, canonicalAddress(source))
    if (this.#peers.size >= MAX_PEERS) this.#peers.clear() // only ever reached by forged sources in a wide network
    this.#peers.set(source, peer)
    return peer
  }

  /** Another process has learned it and remembers it. */
  learn(key: string): void {
    this.#authenticating.add(key)
  }

  #peer(gateway: Gateway, secret: SharedSecret, address: string): Peer {
    const key = peerKey(gateway.name, address)
    const { messageAuthenticator: rule } = gateway
    return {
      gateway,
      secret,
      address,
      requiresAuthenticator: () => rule === 'require' || (rule === 'auto' && this.#authenticating.has(key)),
      sawAuthenticator: () => {
        if (rule === 'auto' && !this.#authenticating.has(key)) this.#learn(key, gateway.name, address)
      },
    }
  }

  #learn(key: string, gateway: string, address: string): void {
    const { memory, log } = this.#options
    this.#authenticating.add(key)
    this.#options.learned?.(key)
    log.info('gateway.authenticates', {
      gateway,
      address,
      hint: 'requests without Message-Authenticator are dropped from now on; message_authenticator: off takes it back',
    })
    memory
      .remember(key)
      .catch((error: unknown) => log.warn('gateway.not_remembered', { gateway, address, error }))
  }
}

/** Under which key it is remembered that this address of the gateway sends Message-Authenticator. */
export function peerKey(gateway: string, address: string): string {
  return `${gateway} ${address}`
}

function nameOf(key: string): string {
  return key.slice(0, key.lastIndexOf(' '))
}
