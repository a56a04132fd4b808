import type { Network } from './network.ts'
import type { Secret } from './secret.ts'

/** How a gateway's ocserv reads several groups: split at a mark (`group-separator`), or from a Class each. */
export type ClassForm = 'semicolon' | 'comma' | 'each'

/** Whether a gateway's requests must carry Message-Authenticator. `auto`: from the first valid one of the same client on. */
export type MessageAuthenticatorRule = 'auto' | 'require' | 'off'

export interface GatewayNetwork extends Network {
  /** The interface of link-local addresses, as in `fe80::1%eth0`. */
  readonly zone?: string
}

/** What a gateway's certificate is recognised by, as the file names it. */
export type CertificateName =
  /** A subject alternative name, in lower case. */
  | { readonly kind: 'dns'; readonly name: string }
  /** An address among the subject alternative names. */
  | { readonly kind: 'ip'; readonly name: string }
  /** The SHA-256 of the whole certificate: 64 hexadecimal digits, in lower case. */
  | { readonly kind: 'sha256'; readonly name: string }

/** A VPN server that may send requests. */
export interface Gateway {
  readonly name: string
  /** Source addresses of its packets and connections. A gateway without any is heard over TLS from everywhere. */
  readonly networks: readonly GatewayNetwork[]
  /** DNS names, whose addresses are sources too. */
  readonly hosts: readonly string[]
  /** What it sends as NAS-Identifier; empty: anything. Gateways behind one address are told apart by it. */
  readonly nasIdentifiers: readonly string[]
  readonly classForm: ClassForm
  /** Absent: it is not heard over UDP. */
  readonly secret?: Secret
  /** Absent: it is not heard over TLS. */
  readonly certificates?: readonly CertificateName[]
  readonly messageAuthenticator: MessageAuthenticatorRule
  /** The answer when a login cannot be decided: a reject, or none, so that the gateway asks another server. */
  readonly onOutage: 'reject' | 'silent'
  /** The character set of names and passwords that are no UTF-8, by a label that `TextDecoder` knows. */
  readonly charset?: string
  /** Where its servers take Disconnect-Requests (RFC 5176), and the secret of those. */
  readonly disconnect?: { readonly port: number; readonly secret: Secret }
  /** The canonical realm of names that come without one; it is cut off those that come with it. */
  readonly defaultRealm?: string
}

/** A RADIUS client as far as it can be told apart: the gateway, its source address, and the NAS-Identifier that it sends. */
export interface ClientIdentity {
  readonly gateway: string
  readonly address: string
  readonly nasIdentifier?: string
}

/** The key under which the records know a client; neither a gateway's name nor an address holds a blank. */
export function clientKey({ gateway, address, nasIdentifier }: ClientIdentity): string {
  const name = nasIdentifier === undefined ? '' : ` ${encodeURIComponent(nasIdentifier)}`
  return `${gateway} ${address}${name}`
}

/** The client of a `clientKey`. */
export function clientOf(key: string): ClientIdentity {
  const [gateway = '', address = '', name] = key.split(' ')
  return { gateway, address, nasIdentifier: name === undefined ? undefined : decodeURIComponent(name) }
}

/** An unsigned request that was dropped this long ago is told of no more, in milliseconds. */
export const UNSIGNED_IS_NEWS_MS = 3_600_000
