import { once } from 'node:events'
import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { OperatorError } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import {
  type CertificateFiles,
  type CertificateFollower,
  followCertificate,
  readCertificate,
} from '../tls/certificate.ts'
import { type ConnectionLimits, capConnections } from './connections.ts'
import { descriptorsAllowed } from './descriptors.ts'
import { inTurn } from './in-turn.ts'
import { Problem, type ProblemName } from './problem.ts'

export interface HttpServerOptions {
  readonly address: string
  /** 0 for any free port. */
  readonly port: number
  readonly tls?: CertificateFiles & {
    /** Milliseconds between two checks of the files. */
    readonly lookEveryMs?: number
  }
  readonly connections: ConnectionLimits
  /** The largest body of any request, in octets. */
  readonly maxBody: number
  /** How long a client may receive nothing of an answer that waits for it, in milliseconds. */
  readonly stalledMs?: number
  readonly answer: RequestListener
  readonly log: Log
}

export interface HttpServer {
  readonly address: string
  /** The actual port. */
  readonly port: number
  /**
   * Reads what other options name; address, port and whether there is TLS must be the same.
   * @returns what makes the server keep to them: requests that come then are answered by them.
   * @throws Error on the certificate.
   */
  prepare(next: HttpServerOptions): Promise<() => void>
  /** Accepts no more connections, answers the requests in progress, and closes the rest after a while. */
  stop(): Promise<void>
}

const HEADERS_WITHIN_MS = 3_000
const REQUEST_WITHIN_MS = 6_000
/** How often the two time-outs above are checked. */
const CHECK_EVERY_MS = 500
const IDLE_CONNECTION_MS = 5_000
const REQUESTS_A_CONNECTION = 1_000
const REQUESTS_AHEAD = 16
/** Longer than the time between two heartbeats of the event stream. */
const STALLED_MS = 20_000
/** How long a connection that sent garbage stays open for its client to read the answer. */
const LAST_WORDS_MS = 1_000
const TLS_WITHIN_MS = 3_000
const MAX_HEADER_OCTETS = 16 * 1024
const STOP_WITHIN_MS = 5_000

/**
 * A server on which slow clients, large requests and many connections of one client cannot block the others.
 * @param fd of a socket that listens at the address already.
 * @throws OperatorError, or Error on the certificate.
 */
export async function openHttpServer(options: HttpServerOptions, fd?: number): Promise<HttpServer> {
  const { tls, stalledMs = STALLED_MS, log } = options
  let current = options
  const answer = inTurn(REQUESTS_AHEAD, (request, response) => {
    response.on('timeout', giveUpOnStalled)
    current.answer(request, response)
  })
  const limits: ServerOptions = {
    maxHeaderSize: MAX_HEADER_OCTETS,
    headersTimeout: HEADERS_WITHIN_MS,
    requestTimeout: REQUEST_WITHIN_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    requireHostHeader: true,
    insecureHTTPParser: false,
  }
  const secured: TlsServer | undefined =
    tls === undefined
      ? undefined
      : createTlsServer(
          { ...limits, ...(await readCertificate(tls)), handshakeTimeout: TLS_WITHIN_MS },
          answer,
        )
  const server: Server = secured ?? createServer(limits, answer)
  server.timeout = stalledMs
  server.maxRequestsPerSocket = REQUESTS_A_CONNECTION
  const cap = capConnections(server)
  const capAt = ({ connections }: HttpServerOptions) =>
    cap({ ...connections, all: affordable(connections.all, log) })
  capAt(options)
  server.on('clientError', refuseUnreadable)
  // A client that expects 100-continue learns that its body is too large before it sends it.
  server.on('checkContinue', (request, response) => {
    if (!(Number(request.headers['content-length'] ?? 0) > options.maxBody)) response.writeContinue()
    answer(request, response)
  })
  const follow = (files: HttpServerOptions['tls']) =>
    secured === undefined || files === undefined
      ? () => undefined
      : followCertificate(files, followerOf(secured, files, log), files.lookEveryMs)
  // From here on, so that files renewed before the server listens are not missed.
  let unfollow = follow(tls)
  await listen(server, options, fd).catch((error: unknown) => {
    unfollow()
    throw error
  })
  const { port } = server.address() as AddressInfo
  return {
    address: options.address,
    port,
    async prepare(next) {
      const certificate = next.tls && (await readCertificate(next.tls))
      return () => {
        current = next
        capAt(next)
        if (certificate !== undefined) secured?.setSecureContext(certificate)
        unfollow()
        unfollow = follow(next.tls)
      }
    },
    stop: () => stop(server, () => unfollow()),
  }
}

async function stop(server: Server, unfollow: () => void): Promise<void> {
  unfollow()
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS)
  await closed
  clearTimeout(late)
}

/** Uses renewed files for new connections. */
function followerOf(server: TlsServer, { certFile: file }: CertificateFiles, log: Log): CertificateFollower {
  return {
    replaced(context) {
      server.setSecureContext(context)
      log.info('http.certificate_replaced', { file })
    },
    refused: (error) => log.error('http.certificate_refused', { file, error }),
  }
}

/** Keeps half of the file descriptors for the VPN: records, directories, Redis, files. */
function affordable(connections: number, log: Log): number {
  const most = Math.floor(descriptorsAllowed() / 2)
  if (connections <= most) return connections
  log.warn('http.connections_capped', {
    wanted: connections,
    at_most: most,
    why: 'file descriptors (ulimit -n)',
  })
  return most
}

async function listen(
  server: Server,
  { address, port }: HttpServerOptions,
  fd: number | undefined,
): Promise<void> {
  server.listen(fd === undefined ? { host: address, port, ipv6Only: false } : { fd })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw portNotOpen(error, { address, port })
  }
}

/** Why a port cannot be opened, for the operator. @param cause the system's own error. */
export function portNotOpen(
  cause: unknown,
  { address, port }: Pick<HttpServerOptions, 'address' | 'port'>,
): OperatorError {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'the system does not allow it',
  }
  return new OperatorError(`HTTP on ${address} port ${port}: ${messages[why] ?? why}`, { cause })
}

/** The connection was idle: that is the client's fault only where an answer waits to be received. */
function giveUpOnStalled(this: ServerResponse, socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy()
}

const OF_PARSER: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: 'header-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
}

/** Answers what could not be parsed as a request, if the connection is still writable. */
function refuseUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem(OF_PARSER[error.code ?? ''] ?? 'invalid-request')
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} Refused`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  const late = setTimeout(() => socket.destroy(), LAST_WORDS_MS)
  socket.once('close', () => clearTimeout(late))
}
