import type { ClientIdentity, Gateway, GatewayNetwork } from '../domain/gateway.ts'
import { canonicalAddress, longestMatch, parseAddress, parseNetwork } from '../domain/network.ts'
import type { TLS_ALONE } from '../radius/radius-1-1.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import { CertificateClients } from './certificate-clients.ts'
import { type ClientsAt, clientsAmong } from './clients-at.ts'
import { GatewayNames, type GatewayNamesOptions } from './gateway-names.ts'
import { SigningMemory, type SigningMemoryOptions } from './signing-memory.ts'

/** A RADIUS client: a gateway at one source address. */
export interface RadiusClient {
  readonly gateway: Gateway
  readonly secret: SharedSecret | typeof TLS_ALONE
  readonly isOverTls: boolean
  /** Canonical source address. */
  readonly address: string
  /** Whether a request without Message-Authenticator is to be dropped. */
  requiresAuthenticator(): boolean
  /** To be called when a request of ocserv's carried a valid one. */
  sawAuthenticator(): void
  /** To be called when a request was dropped because it carried none. @param looksRight whether nothing else is wrong. */
  droppedUnsigned(looksRight: () => boolean): void
}

export interface ClientTableOptions extends SigningMemoryOptions, GatewayNamesOptions {
  readonly gateways: readonly Gateway[]
}

interface Member {
  readonly gateway: Gateway
  readonly secret: SharedSecret
}

/** The gateways that share a network. */
interface Candidate {
  readonly network: GatewayNetwork
  readonly members: readonly Member[]
}

const MAX_CLIENTS = 10_000

/**
 * The RADIUS clients by source address, or over TLS by certificate, and by NAS-Identifier; the longest prefix wins. Under `auto` the table learns for each
 * client that Message-Authenticator is sent, and demands it from then on (RFC 3579 §3.2 leaves the demand to the server;
 * CVE-2024-3596 is the reason).
 */
export class ClientTable {
  readonly #gateways: readonly Gateway[]
  readonly #signing: SigningMemory
  readonly #names: GatewayNames
  readonly #secrets: ReadonlyMap<Gateway, SharedSecret>
  #candidates: readonly Candidate[] = []
  /** That of the names when the candidates were made. */
  #version = -1
  readonly #clients = new Map<string, ClientsAt>()
  /** The gateways that are known by a certificate. */
  readonly overTls: CertificateClients
  /** Sources that belong to no gateway, so that a flood from one is not searched for with each packet. */
  readonly #unknownSources = new Set<string>()

  private constructor(gateways: readonly Gateway[], signing: SigningMemory, names: GatewayNames) {
    this.#gateways = gateways
    this.#signing = signing
    this.#names = names
    this.#secrets = new Map(
      gateways.flatMap((gateway) =>
        gateway.secret === undefined ? [] : [[gateway, new SharedSecret(gateway.secret.bytes())]],
      ),
    )
    this.overTls = new CertificateClients(gateways, names)
  }

  /** @throws Unavailable where the records cannot be read. */
  static async open(options: ClientTableOptions): Promise<ClientTable> {
    const names = new GatewayNames(options)
    const table = new ClientTable(options.gateways, await SigningMemory.open(options), names)
    await names.add(hostsOf(options.gateways))
    await table.takeEffect()
    return table
  }

  /** A table of other gateways. Both know what either has learned or learns later. */
  async with(gateways: readonly Gateway[]): Promise<ClientTable> {
    await this.#names.add(hostsOf(gateways))
    return new ClientTable(gateways, this.#signing, this.#names)
  }

  /**
   * To be called when requests are answered by this table: gateways that are set to `off` are forgotten, which is the
   * operator's way back, and names that are no more are looked up no more. @throws Unavailable
   */
  async takeEffect(): Promise<void> {
    this.#names.keepOnly(new Set(hostsOf(this.#gateways)))
    const off = this.#gateways.filter((gateway) => gateway.messageAuthenticator === 'off')
    await this.#signing.forget(new Set(off.map(({ name }) => name)))
  }

  /** @param source the datagram's source address as the system writes it. */
  find(source: string): ClientsAt | undefined {
    if (this.#version !== this.#names.version) this.#makeCandidates()
    const known = this.#clients.get(source)
    if (known !== undefined || this.#unknownSources.has(source)) return known
    const found = this.#candidateFor(source)
    if (found === undefined) {
      if (this.#unknownSources.size >= MAX_CLIENTS) this.#unknownSources.clear()
      this.#unknownSources.add(source)
      return undefined
    }
    const clients = this.#clientsAt(canonicalAddress(source), found.members)
    if (this.#clients.size >= MAX_CLIENTS) this.#clients.clear() // reached only by forged sources in a wide network
    this.#clients.set(source, clients)
    return clients
  }

  /** Takes over what another process has learned and recorded. */
  learn(key: string): void {
    this.#signing.learn(key)
  }

  /** Looks up the names whose answers are old. A timer does that, too. */
  lookUpNames(): Promise<void> {
    return this.#names.lookUpDue()
  }

  close(): void {
    this.#names.close()
  }

  /** The zone of a link-local address is part of it: each link has addresses of its own (RFC 4007 §6). */
  #candidateFor(source: string): Candidate | undefined {
    const [text = '', zone] = source.split('%')
    const address = parseAddress(text)
    const onLink = this.#candidates.filter(({ network }) => network.zone === zone)
    return address === undefined ? undefined : longestMatch(onLink, address)
  }

  #makeCandidates(): void {
    this.#version = this.#names.version
    this.#clients.clear()
    this.#unknownSources.clear()
    const byNetwork = new Map<string, { network: GatewayNetwork; members: Member[] }>()
    for (const [gateway, secret] of this.#secrets) {
      const named = gateway.hosts.flatMap((host) => this.#names.addressesOf(host))
      const networks: GatewayNetwork[] = [
        ...gateway.networks,
        ...named.flatMap((address) => parseNetwork(address) ?? []),
      ]
      for (const network of networks) {
        const key = `${network.text}%${network.zone ?? ''}`
        const candidate = byNetwork.get(key) ?? { network, members: [] }
        byNetwork.set(key, candidate)
        candidate.members.push({ gateway, secret })
      }
    }
    this.#candidates = [...byNetwork.values()]
  }

  #clientsAt(address: string, members: readonly Member[]): ClientsAt {
    return clientsAmong(members, (member, nasIdentifier) =>
      this.#clientOf(member, { gateway: member.gateway.name, address, nasIdentifier }),
    )
  }

  #clientOf({ gateway, secret }: Member, identity: ClientIdentity): RadiusClient {
    const { messageAuthenticator: rule } = gateway
    return {
      gateway,
      secret,
      isOverTls: false,
      address: identity.address,
      requiresAuthenticator: () => rule === 'require' || (rule === 'auto' && this.#signing.has(identity)),
      sawAuthenticator: () => {
        if (rule === 'auto') this.#signing.sawSigned(identity)
      },
      droppedUnsigned: (looksRight) => {
        if (rule === 'auto') this.#signing.droppedUnsigned(identity, looksRight)
      },
    }
  }
}

function hostsOf(gateways: readonly Gateway[]): readonly string[] {
  return gateways.flatMap(({ hosts }) => hosts)
}
