import { constants } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import type { Runtime } from '../domain/runtime.ts'
import { type CertificateFiles, followCertificate, readCertificate } from '../tls/certificate.ts'
import type { TlsPeer } from './certificate-clients.ts'
import { listeningFault } from './port-taken.ts'
import type { RadiusServer } from './radius-server.ts'
import { type EndReason, TlsConnection } from './tls-connection.ts'
import { type Admitted, admit, Handshakes } from './tls-handshakes.ts'
import { type Refused, TlsRefusals } from './tls-refusals.ts'

export interface TlsPlace {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
}

/** What a reload may change. */
export interface RadSecOptions extends Required<CertificateFiles> {
  /** Which versions are spoken: 1.0 by RFC 6614, 1.1 by RFC 9765. */
  readonly versions: readonly TlsPeer['version'][]
  readonly maxConnections: number
  /** As of `TlsConnectionOptions`. */
  readonly idleMs: number
}

export interface TlsListenersOptions extends Pick<Runtime, 'clock' | 'log' | 'metrics'> {
  readonly places: readonly TlsPlace[]
  /** Sockets that another process opened and goes on to hold. */
  readonly inherited?: readonly (TlsPlace & { readonly fd: number })[]
  readonly radsec: RadSecOptions
  readonly server: Pick<RadiusServer, 'receiveOverTls' | 'overTls'>
  /** Milliseconds between two looks at the files. */
  readonly lookEveryMs?: number
}

const CHECK_EVERY_MS = 1000
/** Connections of one certificate: some for each process of a gateway, and those that it has lost without a word. */
const MAX_OF_ONE_CERTIFICATE = 64
/** Resumption would bring back a certificate without looking at it; renegotiation could change it. */
const SECURE_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION

/** Ended by something that the operator can put right. */
const TOLD: ReadonlySet<EndReason> = new Set<EndReason>([
  'malformed',
  'bad_message_authenticator',
  'bad_accounting_authenticator',
  'slow_packet',
  'stalled',
  'certificate_expired',
  'unknown_certificate',
  'foreign_address',
])

let connectionsMade = 0

/** RADIUS over TLS: accepts connections of gateways, and of nobody else (RFC 6614, RFC 9765). */
export class TlsListeners {
  readonly #options: TlsListenersOptions
  readonly #refusals: TlsRefusals
  readonly #handshakes: Handshakes
  readonly #servers: Server[] = []
  readonly #connections = new Set<TlsConnection>()
  readonly #tls: ReturnType<typeof createTlsServer>
  #radsec: RadSecOptions
  /** The authorities by which the open connections were let in. */
  #authorities: string
  #unfollow: () => void
  readonly #timer: NodeJS.Timeout

  private constructor(options: TlsListenersOptions, context: SecureContextOptions) {
    this.#options = options
    this.#radsec = options.radsec
    this.#authorities = String(context.ca)
    this.#refusals = new TlsRefusals(options)
    this.#handshakes = new Handshakes(this.#refusals, options.server)
    this.#tls = createTlsServer({
      ...secured(context),
      requestCert: true,
      // Node would end a connection without saying why; `admit` lets in none that is not authorized.
      rejectUnauthorized: false,
      // Undefined ends the handshake by the alert no_application_protocol (RFC 9765 §3.3). Without ALPN it is not called.
      ALPNCallback: ({ protocols }) => alpnNames(this.#radsec).find((name) => protocols.includes(name)),
    })
    this.#tls.on('secureConnection', (socket) => this.#accept(socket))
    this.#tls.on('tlsClientError', (error, socket) => this.#handshakes.failed(socket, error))
    this.#unfollow = this.#follow()
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS)
    this.#timer.unref()
  }

  /** @throws OperatorError on a port; Error on the files. */
  static async open(options: TlsListenersOptions): Promise<TlsListeners> {
    const listeners = new TlsListeners(options, await readCertificate(options.radsec))
    try {
      for (const place of options.inherited ?? options.places) await listeners.#listen(place)
    } catch (error) {
      await listeners.close()
      throw error
    }
    return listeners
  }

  get places(): readonly TlsPlace[] {
    return this.#servers.flatMap((server) => {
      const bound = server.address() as AddressInfo | null
      return bound === null ? [] : [{ address: bound.address, port: bound.port }]
    })
  }

  /** Reads the files that other options name. @returns what makes it keep to them. @throws Error on the files. */
  async prepare(next: RadSecOptions): Promise<() => void> {
    const context = await readCertificate(next)
    return () => {
      this.#radsec = next
      this.check()
      this.#take(context)
      this.#unfollow()
      this.#unfollow = this.#follow()
    }
  }

  /** Ends the connections whose gateways may speak no more, or keep them open for nothing. */
  check(): void {
    for (const connection of this.#connections) connection.check()
  }

  /** Takes no more connections and packets; replies to those in flight are still sent. */
  stopReceiving(): void {
    clearInterval(this.#timer)
    this.#unfollow()
    for (const server of this.#servers) server.close()
    this.#handshakes.close()
    for (const connection of this.#connections) connection.finish('stopping')
  }

  /** Resolves when every reply is sent, the connections are closed, and the ports are free. */
  async close(): Promise<void> {
    this.stopReceiving()
    await Promise.all([...this.#connections].map(({ closed }) => closed))
  }

  async #listen({ address, port, fd }: TlsPlace & { readonly fd?: number }): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#begin(socket))
    server.listen(fd === undefined ? { host: address, port, ipv6Only: false } : { fd })
    try {
      await once(server, 'listening')
    } catch (error) {
      throw await listeningFault(error, { address, port, service: 'tls' })
    }
    server.on('error', (error) => this.#options.log.error('tls.accept_failed', { error }))
    this.#servers.push(server)
  }

  #begin(socket: Socket): void {
    if (this.#handshakes.begin(socket, this.#isFull)) this.#tls.emit('connection', socket)
  }

  get #isFull(): boolean {
    return this.#connections.size >= this.#radsec.maxConnections
  }

  #accept(socket: TLSSocket): void {
    this.#handshakes.done(socket)
    const admitted = this.#admit(socket)
    if ('refused' in admitted) this.#refusals.refuse(socket, admitted)
    else this.#keep(socket, admitted)
  }

  #admit(socket: TLSSocket): Admitted | Refused {
    const admitted = admit(socket, this.#radsec.versions, this.#options.server)
    if ('refused' in admitted) return admitted
    const { source, certificate } = admitted.peer
    const alike = [...this.#connections].filter(
      ({ peer }) => peer.certificate.fingerprint256 === certificate.fingerprint256,
    )
    return alike.length < MAX_OF_ONE_CERTIFICATE && !this.#isFull
      ? admitted
      : { refused: 'too_many_connections', source, detail: `${alike.length} of ${admitted.gateway}` }
  }

  #keep(socket: TLSSocket, { peer, gateway }: Admitted): void {
    const { server, clock, log, metrics } = this.#options
    connectionsMade += 1
    const fields = { gateway, peer: peer.source, version: peer.version, tls: socket.getProtocol() }
    const connection = new TlsConnection(socket, peer, `tls ${connectionsMade}`, {
      server,
      clock,
      idleMs: () => this.#radsec.idleMs,
      ended: (reason) => {
        this.#connections.delete(connection)
        metrics.tlsConnections(gateway, -1)
        if (TOLD.has(reason)) log.warn('tls.closed', { ...fields, reason, hint: HINTS[reason] })
        else log.info('tls.closed', { ...fields, reason })
      },
    })
    this.#connections.add(connection)
    metrics.tlsConnections(gateway, 1)
    log.info('tls.connected', fields)
  }

  /** Renewed files count for connections to come; other authorities, for those that are open too. */
  #take(context: SecureContextOptions): void {
    this.#tls.setSecureContext(secured(context))
    if (String(context.ca) === this.#authorities) return
    this.#authorities = String(context.ca)
    for (const connection of this.#connections) connection.finish('authorities_changed')
  }

  #follow(): () => void {
    const { log, lookEveryMs } = this.#options
    const file = this.#radsec.certFile
    return followCertificate(
      this.#radsec,
      {
        replaced: (context) => {
          this.#take(context)
          log.info('tls.certificate_replaced', { file })
        },
        refused: (error) => log.error('tls.certificate_refused', { file, error }),
      },
      lookEveryMs,
    )
  }
}

const HINTS: Partial<Record<EndReason, string>> = {
  bad_message_authenticator: 'the shared secret over TLS is radsec (RFC 6614 §2.3)',
  bad_accounting_authenticator: 'the shared secret over TLS is radsec (RFC 6614 §2.3)',
  certificate_expired: 'give the gateway a new certificate',
}

/** The newest first. */
function alpnNames({ versions }: RadSecOptions): readonly string[] {
  return versions
    .toSorted()
    .reverse()
    .map((version) => `radius/${version}`)
}

function secured(context: SecureContextOptions): SecureContextOptions {
  return { ...context, secureOptions: SECURE_OPTIONS }
}
