import type { X509Certificate } from 'node:crypto'
import type { CertificateName, Gateway } from '../domain/gateway.ts'
import { canonicalAddress, contains, parseAddress } from '../domain/network.ts'
import { TLS_ALONE } from '../radius/radius-1-1.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import type { RadiusClient } from './client-table.ts'
import { type ClientsAt, clientsAmong } from './clients-at.ts'
import type { GatewayNames } from './gateway-names.ts'

/** The other end of a connection. That it holds the certificate's key, and who has signed it, TLS has shown. */
export interface TlsPeer {
  readonly certificate: X509Certificate
  /** As the system writes it. */
  readonly source: string
  /** RADIUS/1.0 is that of RFC 6614; 1.1 that of RFC 9765. */
  readonly version: '1.0' | '1.1'
}

/** Why the holder of a certificate that its authority has signed is no gateway. */
export type StrangerReason = 'unknown_certificate' | 'foreign_address'

/** RFC 6614 §2.3: the secret is the same everywhere, as TLS protects the packets. */
const RADSEC = new SharedSecret(Buffer.from('radsec'))
/** No name in a certificate stands for several, or for a longer one, and the common name is none. */
const EXACTLY = { subject: 'never', wildcards: false, partialWildcards: false } as const

/** The gateways of one configuration that are known by a certificate. */
export class CertificateClients {
  readonly #gateways: readonly Gateway[]
  readonly #names: GatewayNames
  /** Of each connection; a reload makes another table. */
  readonly #found = new WeakMap<TlsPeer, { readonly clients: ClientsAt; readonly version: number }>()

  constructor(gateways: readonly Gateway[], names: GatewayNames) {
    this.#gateways = gateways.filter(({ certificates }) => certificates !== undefined)
    this.#names = names
  }

  /** Whether a connection from there may be a gateway's, before a certificate is seen. */
  mayConnect(source: string): boolean {
    return this.#gateways.some((gateway) => this.#isAt(gateway, source))
  }

  find(peer: TlsPeer): ClientsAt | StrangerReason {
    const known = this.#found.get(peer)
    if (known?.version === this.#names.version) return known.clients
    const holders = this.#holdersOf(peer.certificate)
    const members = holders.filter((gateway) => this.#isAt(gateway, peer.source))
    if (members.length === 0) return holders.length === 0 ? 'unknown_certificate' : 'foreign_address'
    const address = canonicalAddress(peer.source)
    const secret = peer.version === '1.1' ? TLS_ALONE : RADSEC
    const clients = clientsAmong(
      members.map((gateway) => ({ gateway })),
      ({ gateway }): RadiusClient => ({ ...OVER_TLS, gateway, secret, address }),
    )
    this.#found.set(peer, { clients, version: this.#names.version })
    return clients
  }

  /** In the order of the configuration, first those that name the certificate itself. */
  #holdersOf(certificate: X509Certificate): readonly Gateway[] {
    const isNamed = ({ certificates }: Gateway, isPin: boolean) =>
      certificates?.some((name) => (name.kind === 'sha256') === isPin && bears(certificate, name))
    const pinned = this.#gateways.filter((gateway) => isNamed(gateway, true))
    const named = this.#gateways.filter((gateway) => !pinned.includes(gateway) && isNamed(gateway, false))
    return [...pinned, ...named]
  }

  #isAt({ networks, hosts }: Gateway, source: string): boolean {
    if (networks.length === 0 && hosts.length === 0) return true
    const [text = '', zone] = source.split('%')
    const address = parseAddress(text)
    if (address === undefined) return false
    const canonical = canonicalAddress(source)
    return (
      networks.some((network) => network.zone === zone && contains(network, address)) ||
      hosts.some((host) => this.#names.addressesOf(host).some((each) => canonicalAddress(each) === canonical))
    )
  }
}

/** What is signed by a secret over UDP is protected by TLS here. */
const OVER_TLS = {
  isOverTls: true,
  requiresAuthenticator: () => false,
  sawAuthenticator: () => undefined,
  droppedUnsigned: () => undefined,
} as const

/** Whether the certificate has the name (RFC 6614 §2.3, RFC 9525 §6). */
function bears(certificate: X509Certificate, { kind, name }: CertificateName): boolean {
  switch (kind) {
    case 'dns':
      return certificate.checkHost(name, EXACTLY) !== undefined
    case 'ip':
      return certificate.checkIP(name) !== undefined
    case 'sha256':
      return certificate.fingerprint256.replaceAll(':', '').toLowerCase() === name
  }
}
