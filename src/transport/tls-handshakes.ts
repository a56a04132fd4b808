import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { canonicalAddress, networksAround } from '../domain/network.ts'
import type { TlsPeer } from './certificate-clients.ts'
import type { RadiusServer } from './radius-server.ts'
import { describeCertificate, type Refused, type TlsRefusals } from './tls-refusals.ts'

/** In milliseconds. */
const HANDSHAKE_WITHIN_MS = 5000
/** Connections that have not shown yet who they are. Those of gateways are not among them. */
const MAX_HANDSHAKES = 256
const MAX_FROM_ONE_NETWORK = 16
/** A gateway that was switched off says no good-bye. */
const KEEP_ALIVE_MS = 60_000

interface Handshake {
  readonly socket: Socket
  readonly networks: readonly string[]
  readonly timer: NodeJS.Timeout
}

/** Connections until it is known whose they are: bounded in number, in number from one network, and in time. */
export class Handshakes {
  readonly #refusals: TlsRefusals
  readonly #server: Pick<RadiusServer, 'overTls'>
  readonly #pending = new Map<string, Handshake>()

  constructor(refusals: TlsRefusals, server: Pick<RadiusServer, 'overTls'>) {
    this.#refusals = refusals
    this.#server = server
  }

  /** @param isFull whether there are as many connections as there may be. @returns whether the handshake may begin. */
  begin(socket: Socket, isFull: boolean): boolean {
    socket.on('error', () => socket.destroy())
    const source = socket.remoteAddress
    if (source === undefined) {
      socket.destroy()
      return false
    }
    const networks = networksAround(canonicalAddress(source))
    const refused = this.#refusal(source, networks, isFull)
    if (refused !== undefined) {
      this.#refusals.refuse(socket, { refused, source })
      return false
    }
    const key = keyOf(socket)
    const timer = setTimeout(() => {
      this.#refusals.refuse(socket, { refused: 'handshake_timeout', source })
    }, HANDSHAKE_WITHIN_MS)
    this.#pending.set(key, { socket, networks, timer })
    socket.once('close', () => this.#forget(key))
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    return true
  }

  done(socket: TLSSocket): void {
    this.#forget(keyOf(socket))
  }

  failed(socket: TLSSocket, error: Error & { readonly code?: string }): void {
    const key = keyOf(socket)
    const source = socket.remoteAddress
    // One that was refused already, or was closed before it said anything, needs no word.
    if (this.#pending.has(key) && source !== undefined && error.code !== 'ECONNRESET') {
      const refused =
        error.code === 'ERR_SSL_NO_APPLICATION_PROTOCOL' ? 'no_common_version' : 'handshake_failed'
      this.#refusals.refuse(socket, { refused, source, detail: error.code })
    }
    this.#pending.get(key)?.socket.destroy()
    this.#forget(key)
  }

  close(): void {
    for (const { socket, timer } of this.#pending.values()) {
      clearTimeout(timer)
      socket.destroy()
    }
    this.#pending.clear()
  }

  #refusal(source: string, networks: readonly string[], isFull: boolean): Refused['refused'] | undefined {
    if (!this.#server.overTls.mayConnect(source)) return 'unknown_address'
    if (isFull) return 'too_many_connections'
    if (this.#pending.size >= MAX_HANDSHAKES) return 'too_many_handshakes'
    const [customer = ''] = networks
    const alike = [...this.#pending.values()].filter((each) => each.networks.includes(customer))
    return alike.length >= MAX_FROM_ONE_NETWORK ? 'too_many_handshakes' : undefined
  }

  #forget(key: string): void {
    clearTimeout(this.#pending.get(key)?.timer)
    this.#pending.delete(key)
  }
}

function keyOf({ remoteAddress, remotePort, localPort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** A connection of a gateway. */
export interface Admitted {
  readonly peer: TlsPeer
  /** Its name; of a proxy, the names of all gateways behind it. */
  readonly gateway: string
}

/** Who has connected, once TLS is established. @returns why it is let go where it is no gateway. */
export function admit(
  socket: TLSSocket,
  versions: readonly TlsPeer['version'][],
  { overTls }: Pick<RadiusServer, 'overTls'>,
): Admitted | Refused {
  const source = socket.remoteAddress
  if (source === undefined) return { refused: 'handshake_failed', source: 'unknown' }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { refused: 'no_certificate', source }
  if (!socket.authorized || socket.isSessionReused()) {
    const detail = `${socket.authorizationError}, sha256:${certificate.fingerprint256}`
    return { refused: 'untrusted_certificate', source, detail }
  }
  // Without ALPN it is RADIUS/TLS as it was before there were versions (RFC 9765 §3.3).
  const version = socket.alpnProtocol === 'radius/1.1' ? '1.1' : '1.0'
  if (!versions.includes(version)) return { refused: 'no_common_version', source }
  if (version === '1.1' && socket.getProtocol() !== 'TLSv1.3') return { refused: 'needs_tls_1_3', source }
  const peer = { certificate, source, version } as const
  const clients = overTls.find(peer)
  return typeof clients === 'string'
    ? { refused: clients, source, detail: describeCertificate(certificate) }
    : { peer, gateway: clients.gateways.join(', ') }
}
