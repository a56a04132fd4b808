import { createSocket } from 'node:dgram'
import { isIPv6, connect as openTcp, type Socket } from 'node:net'
import { connect as openTls } from 'node:tls'
import type { AuditEvent } from '../../domain/audit.ts'
import type { AuditSink } from './sink.ts'
import { optionsOf, type SinkTls } from './sink-tls.ts'
import { MAX_DATAGRAM, type SyslogForm, syslogMessage } from './syslog-message.ts'

export interface SyslogOptions extends SyslogForm {
  readonly name: string
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
  /** With the transport `tls`. */
  readonly tls?: SinkTls
}

const BATCH = 500

/** Sends the audit trail to a syslog server: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425). */
export function syslogSink(options: SyslogOptions): AuditSink {
  const send = options.transport === 'udp' ? sendDatagrams : sendFrames
  return { name: options.name, batch: BATCH, send: (events, signal) => send(events, options, signal) }
}

/**
 * One connection for each batch, which the receiver closes when it has read the end of it: syslog has no other way to say
 * that a message arrived, and what a lost connection held would be lost with it.
 */
function sendFrames(
  events: readonly AuditEvent[],
  options: SyslogOptions,
  signal: AbortSignal,
): Promise<void> {
  const frames = events.map((event) => {
    const message = syslogMessage(event, options)
    // Octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3). The message is ASCII.
    return `${message.length} ${message}`
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connected(options, () => socket.end(frames.join('')))
  let isRead = false
  // Nothing comes from a syslog server but its end.
  socket.resume()
  socket.once('end', () => {
    // A receiver that went before everything was sent has not read it.
    isRead = socket.writableFinished
  })
  socket.once('error', reject)
  socket.once('close', () => {
    if (isRead) resolve()
    else reject(new Error('the connection was lost before the receiver had everything'))
  })
  const abort = () =>
    socket.destroy(
      new Error(
        socket.connecting
          ? 'no connection in time'
          : 'the receiver did not close the connection in time, so that nobody knows what it has read',
      ),
    )
  signal.addEventListener('abort', abort, { once: true })
  return promise.finally(() => {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  })
}

function connected({ transport, host, port, tls }: SyslogOptions, then: () => void): Socket {
  if (transport !== 'tls') return openTcp({ host, port }, then)
  return openTls({ host, port, servername: nameFor(host), ...optionsOf(tls) }, then)
}

/** RFC 6066 §3: an address is no server name. */
function nameFor(host: string): string {
  return /^[\d.]+$/.test(host) || isIPv6(host) ? '' : host
}

/** Nothing says whether a datagram arrives; only a receiver on a machine that answers "port unreachable" is noticed. */
async function sendDatagrams(
  events: readonly AuditEvent[],
  options: SyslogOptions,
  signal: AbortSignal,
): Promise<void> {
  const { host, port } = options
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', signal })
  const failed = Promise.withResolvers<never>()
  socket.once('error', failed.reject)
  try {
    await Promise.race([failed.promise, new Promise<void>((done) => socket.connect(port, host, done))])
    for (const event of events) {
      const message = syslogMessage(event, options, MAX_DATAGRAM)
      const sent = new Promise<void>((done, fail) =>
        socket.send(message, (error) => (error === null ? done() : fail(error))),
      )
      await Promise.race([failed.promise, sent])
    }
    // The answer of the machine to the last of them.
    await Promise.race([failed.promise, new Promise((done) => setTimeout(done, UNREACHABLE_WITHIN_MS))])
  } finally {
    socket.close()
  }
}

const UNREACHABLE_WITHIN_MS = 50
