import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../domain/clock.ts'
import { messageOf } from '../../../domain/errors.ts'
import type { Deadlines } from '../../../pacing/deadlines.ts'
import { Connection } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import { MessageStream } from './message-stream.ts'
import { encodeStartTls } from './requests.ts'
import { readResponse } from './response-reader.ts'
import { socketCause } from './socket-causes.ts'
import type { TlsFiles } from './tls-files.ts'

/** Where a server is, and how it is spoken to. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Of a Unix socket, in place of host and port. */
  readonly path?: string
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
const MAX_STARTTLS_REPLY_OCTETS = 64 * 1024

/**
 * A connection that is ready for operations: where TLS was asked for it is up, and the certificate is verified.
 * @param expiresAt monotonic milliseconds. @throws ConnectionLost
 */
export async function openConnection(options: OpenOptions, expiresAt: number): Promise<Connection> {
  const { target, files, deadlines, clock, caFile } = options
  const material = target.tls === 'none' ? undefined : files.current()
  const { host, port, path } = target
  const raw = connectTcp({
    ...(path === undefined ? { host, port } : { path }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  let socket: Socket = raw
  try {
    await connected(raw, 'connect', options, expiresAt)
    if (target.tls === 'on_request') await askForTls(raw, options, expiresAt)
    if (material !== undefined) {
      const secured = startTls(raw, target, material.context)
      socket = secured
      await connected(secured, 'secureConnect', options, expiresAt)
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
    caFile,
  })
}

function startTls(raw: Socket, { serverName }: Target, secureContext: SecureContext): TLSSocket {
  return connectTls({
    socket: raw,
    host: serverName,
    // An address cannot be a server name (RFC 6066 §3); the certificate is held against `host` all the same.
    servername: isIP(serverName) === 0 ? serverName : undefined,
    secureContext,
    rejectUnauthorized: true,
  })
}

type Settle = (loss?: ConnectionLost) => void

/**
 * Settles as `listen` says, and fails on an error, the end of the connection or the deadline.
 * @param when ends the message of a failure. @param listen returns what stops it.
 */
function settled(
  socket: Socket,
  { deadlines, caFile }: OpenOptions,
  expiresAt: number,
  when: string,
  listen: (settle: Settle) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: string) => settle(new ConnectionLost('unreachable', cause))
    const timed = { expiresAt, expire: () => fail(`it does not answer${when}`) }
    const onClose = () => fail(`it cut the connection${when}`)
    const settle: Settle = (loss) => {
      deadlines.remove(timed)
      stop()
      socket.off('close', onClose)
      if (loss === undefined) resolve()
      else reject(loss)
    }
    const stop = listen(settle)
    deadlines.add(timed)
    // The listener for errors stays: a second error without one would end the process.
    socket.on('error', (error) => fail(socketCause(error, caFile))).once('close', onClose)
  })
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  options: OpenOptions,
  expiresAt: number,
): Promise<void> {
  return settled(socket, options, expiresAt, '', (settle) => {
    const onReady = () => settle()
    socket.once(event, onReady)
    return () => socket.off(event, onReady)
  })
}

/**
 * Asks for TLS and waits for the consent, which must be all that comes: anything after it was sent in clear, and would
 * be taken for something that the server said under TLS.
 */
function askForTls(socket: Socket, options: OpenOptions, expiresAt: number): Promise<void> {
  return settled(socket, options, expiresAt, ' when asked for TLS', (settle) => {
    const stream = new MessageStream(MAX_STARTTLS_REPLY_OCTETS)
    const onData = (piece: Buffer) => {
      try {
        const [reply, more] = stream.take(piece)
        if (reply === undefined) return
        settle(more !== undefined || stream.isWithin ? surplus() : refusalIn(reply))
      } catch (error) {
        settle(new ConnectionLost('unreachable', messageOf(error)))
      }
    }
    socket.on('data', onData)
    socket.write(encodeStartTls(STARTTLS_ID))
    return () => socket.off('data', onData)
  })
}

const STARTTLS_ID = 1

function surplus(): ConnectionLost {
  return new ConnectionLost('unreachable', 'it sent more than its consent when asked for TLS')
}

function refusalIn(reply: Buffer): ConnectionLost | undefined {
  const response = readResponse(reply)
  if (response.kind !== 'result' || response.of !== 'extended' || response.id !== STARTTLS_ID)
    return new ConnectionLost('unreachable', 'it answered another question when asked for TLS')
  const { code, diagnostic } = response.result
  if (code === 0) return undefined
  return new ConnectionLost('unreachable', `it refuses StartTLS (${code} ${diagnostic})`.trim())
}
