import { once } from 'node:events'
import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import type { Log } from '../domain/log.ts'
import { type CertificateFiles, followCertificate, readCertificate } from './certificate.ts'
import { type ConnectionLimits, capConnections } from './connections.ts'
import { descriptorsAllowed } from './descriptors.ts'
import { inTurn } from './in-turn.ts'
import { Problem, type ProblemName } from './problem.ts'

export interface HttpServerOptions {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  readonly tls?: CertificateFiles & {
    /** Milliseconds between two looks whether the files have changed. */
    readonly lookEveryMs?: number
  }
  readonly connections: ConnectionLimits
  /** Octets of the largest body that any request may have. */
  readonly maxBody: number
  /** Milliseconds for which a client may take nothing of an answer that waits for it. */
  readonly stalledMs?: number
  readonly answer: RequestListener
  readonly log: Log
}

export interface HttpServer {
  readonly address: string
  /** The one that it really has. */
  readonly port: number
  /** Takes no more connections, answers what is in flight, and closes all after a while. */
  stop(): Promise<void>
}

/** A server that has everything but its port. */
export interface PreparedHttpServer {
  /**
   * Has the port for a moment, and lets go of it.
   * @param held a port that is held until this server listens: instead of it any other of the address is tried.
   * @throws PortNotOpen
   */
  tryPort(held: number | undefined): Promise<void>
  /** @throws PortNotOpen */
  listen(): Promise<HttpServer>
}

/** A port that another process holds, or an address that this machine has not. */
export class PortNotOpen extends Error {
  override readonly name = 'PortNotOpen'
}

const HEADERS_WITHIN_MS = 3_000
const REQUEST_WITHIN_MS = 6_000
/** How often the two above are looked after. */
const CHECK_EVERY_MS = 500
const IDLE_CONNECTION_MS = 5_000
const REQUESTS_A_CONNECTION = 1_000
const REQUESTS_AHEAD = 16
/** Longer than the live stream is ever silent. */
const STALLED_MS = 20_000
/** How long a connection that could not be understood is kept for its client to read why. */
const LAST_WORDS_MS = 1_000
const TLS_WITHIN_MS = 3_000
const LARGEST_HEADER = 16 * 1024
const STOP_WITHIN_MS = 5_000

/** Prepares a server and listens. @throws PortNotOpen, or Error on the certificate. */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  return await (await prepareHttpServer(options)).listen()
}

/** A server that no slow, large or crowded client keeps from the others. @throws Error on the certificate. */
export async function prepareHttpServer(options: HttpServerOptions): Promise<PreparedHttpServer> {
  const { tls, stalledMs = STALLED_MS, log } = options
  const answer = inTurn(REQUESTS_AHEAD, (request, response) => {
    response.on('timeout', giveUpOnStalled)
    options.answer(request, response)
  })
  const limits: ServerOptions = {
    maxHeaderSize: LARGEST_HEADER,
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
  capConnections(server, { ...options.connections, all: affordable(options.connections.all, log) })
  server.on('clientError', refuseUnreadable)
  // A client that asks first whether to send a body hears of its size before it sends it.
  server.on('checkContinue', (request, response) => {
    if (!(Number(request.headers['content-length'] ?? 0) > options.maxBody)) response.writeContinue()
    answer(request, response)
  })
  // From here on and not from the listening: files that are renewed in between are taken on as well.
  const unfollow =
    secured === undefined || tls === undefined
      ? () => {}
      : followCertificate(secured, tls, log, tls.lookEveryMs)
  return {
    tryPort: (held) => tryPort(options.port === held ? { ...options, port: 0 } : options),
    async listen() {
      await listen(server, options).catch((error: unknown) => {
        unfollow()
        throw error
      })
      const { port } = server.address() as AddressInfo
      return { address: options.address, port, stop: () => stop(server, unfollow) }
    },
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

/** Half of the descriptors stay for what the VPN needs: the records, directories, Redis, files. */
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

type Where = Pick<HttpServerOptions, 'address' | 'port'>

/** Who connects in this moment is turned away. @throws PortNotOpen */
async function tryPort(where: Where): Promise<void> {
  const server = createNetServer((socket) => socket.destroy())
  await listen(server, where)
  const closed = once(server, 'close')
  server.close()
  await closed
}

async function listen(server: NetServer, { address, port }: Where): Promise<void> {
  server.listen({ host: address, port, ipv6Only: false })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const words: Readonly<Record<string, string>> = {
      EADDRINUSE: 'another process listens there',
      EADDRNOTAVAIL: 'this machine has no such address',
      EACCES: 'the system does not allow it',
    }
    throw new PortNotOpen(`HTTP on ${address} port ${port}: ${words[why] ?? why}`, { cause })
  }
}

/** Nothing was sent or taken for a while: that is the client's doing only where something waits to be taken. */
function giveUpOnStalled(this: ServerResponse, socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy()
}

const OF_PARSER: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: 'header-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
}

/** Answers what never became a request, where the connection still takes an answer. */
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
