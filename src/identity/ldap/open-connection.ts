import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import type { Clock } from '../../domain/clock.ts'
import type { Deadlines } from '../../domain/deadlines.ts'
import { Connection } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import { Decoder, encodeStartTls } from './ldapjs-coding.ts'
import { MessageStream } from './message-stream.ts'
import { readResponse } from './response-shape.ts'
import { socketCause } from './socket-causes.ts'
import type { TlsFiles } from './tls-files.ts'

/** Where a server is, and how it is spoken to. */
export interface Target {
  readonly host: string
  readonly port: number
  /** TLS from the first octet, TLS on request (RFC 4511 §4.14), or none. */
  readonly tls: 'from_start' | 'on_request' | 'none'
  /** The name that its certificate must bear. */
  readonly serverName: string
}

export interface OpenOptions {
  readonly target: Target
  /** Needed where the target speaks TLS. */
  readonly files: TlsFiles
  readonly caFile?: string
  readonly deadlines: Deadlines
  readonly clock: Clock
}

const KEEP_ALIVE_AFTER_MS = 30_000
const LONGEST_STARTTLS_REPLY = 64 * 1024

/**
 * A connection that is ready for operations: where TLS was asked for it is up, and the certificate is verified.
 * @param expiresAt monotonic milliseconds. @throws ConnectionLost
 */
export async function openConnection(options: OpenOptions, expiresAt: number): Promise<Connection> {
  const { target, files, deadlines, clock, caFile } = options
  const material = target.tls === 'none' ? undefined : files.current()
  const raw = connectTcp({
    host: target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  let socket: Socket = raw
  try {
    await until(raw, 'connect', options, expiresAt)
    if (target.tls === 'on_request') await askForTls(raw, options, expiresAt)
    if (material !== undefined) {
      const secured = startTls(raw, target, material.context)
      socket = secured
      await until(secured, 'secureConnect', options, expiresAt)
      if (!secured.authorized) throw new ConnectionLost('unreachable', 'its certificate is not verified')
    }
  } catch (error) {
    socket.destroy()
    raw.destroy()
    throw error
  }
  return new Connection({
    socket,
    mustBeSecret: target.tls !== 'none',
    edition: material?.edition ?? 0,
    deadlines,
    clock,
    ...(caFile !== undefined && { caFile }),
  })
}

function startTls(raw: Socket, { serverName }: Target, secureContext: SecureContext): TLSSocket {
  return connectTls({
    socket: raw,
    host: serverName,
    // An address cannot be a server name (RFC 6066 §3); the certificate is held against `host` all the same.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    secureContext,
    rejectUnauthorized: true,
  })
}

/** Settles when the socket says `event`, and fails where it says anything else or the time is over. */
function until(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { deadlines, caFile }: OpenOptions,
  expiresAt: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: ConnectionLost) => {
      deadlines.remove(timed)
      socket.off(event, onReady).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onReady = () => settle()
    const onError = (error: Error) => settle(new ConnectionLost('unreachable', socketCause(error, caFile)))
    const onClose = () => settle(new ConnectionLost('unreachable', 'it cut the connection'))
    const timed = {
      expiresAt,
      expire: () => settle(new ConnectionLost('unreachable', 'it does not answer')),
    }
    deadlines.add(timed)
    // The listener for errors stays: a second error without one would end the thread.
    socket.once(event, onReady).on('error', onError).once('close', onClose)
  })
}

/**
 * Asks for TLS and waits for the consent, which must be all that comes: octets behind it came in clear, and would be
 * taken for what the server said under TLS.
 */
function askForTls(socket: Socket, { deadlines, caFile }: OpenOptions, expiresAt: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = new MessageStream(LONGEST_STARTTLS_REPLY)
    const settle = (error?: ConnectionLost) => {
      deadlines.remove(timed)
      socket.off('data', onData).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onData = (piece: Buffer) => {
      try {
        const [reply, more] = stream.take(piece)
        if (reply === undefined) return
        settle(more !== undefined || stream.isWithin ? surplus() : refusalIn(reply))
      } catch (error) {
        settle(new ConnectionLost('unreachable', error instanceof Error ? error.message : String(error)))
      }
    }
    const onError = (error: Error) => settle(new ConnectionLost('unreachable', socketCause(error, caFile)))
    const onClose = () =>
      settle(new ConnectionLost('unreachable', 'it cut the connection when asked for TLS'))
    const timed = {
      expiresAt,
      expire: () => settle(new ConnectionLost('unreachable', 'it does not answer when asked for TLS')),
    }
    deadlines.add(timed)
    socket.on('data', onData).on('error', onError).once('close', onClose)
    socket.write(encodeStartTls(STARTTLS_ID))
  })
}

const STARTTLS_ID = 1

function surplus(): ConnectionLost {
  return new ConnectionLost('unreachable', 'it sent more than its consent when asked for TLS')
}

function refusalIn(reply: Buffer): ConnectionLost | undefined {
  const response = readResponse(reply)
  if (response?.kind !== 'result' || response.of !== 'extended' || response.id !== STARTTLS_ID)
    return new ConnectionLost('unreachable', 'it answered another question when asked for TLS')
  const { status, diagnosticMessage = '' } = new Decoder().decode(response.decodable)
  if (status === 0) return undefined
  return new ConnectionLost('unreachable', `it refuses StartTLS (${status} ${diagnosticMessage})`.trim())
}
