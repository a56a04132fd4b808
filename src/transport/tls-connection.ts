import type { TLSSocket } from 'node:tls'
import type { Runtime } from '../domain/runtime.ts'
import type { DropReason } from '../domain/traffic.ts'
import { PacketStream } from '../radius/packet-stream.ts'
import type { StrangerReason, TlsPeer } from './certificate-clients.ts'
import type { RadiusServer } from './radius-server.ts'

/** Why a connection ended: stable words, found in the log and in docs/log.md. */
export type EndReason =
  | 'by_gateway'
  | 'lost'
  | 'idle'
  | 'slow_packet'
  | 'stalled'
  | 'certificate_expired'
  | 'authorities_changed'
  | 'stopping'
  | StrangerReason
  | DropReason

export interface TlsConnectionOptions extends Pick<Runtime, 'clock'> {
  readonly server: Pick<RadiusServer, 'receiveOverTls' | 'overTls'>
  /** Milliseconds without a packet after which it ends. */
  readonly idleMs: () => number
  readonly ended: (reason: EndReason) => void
}

/** From a packet's first octet to its last, in milliseconds. */
const PACKET_WITHIN_MS = 10_000
/** How long a gateway may take nothing of the replies that wait for it, in milliseconds. */
const STALLED_MS = 20_000
const MAX_UNSENT_OCTETS = 1024 * 1024
/** As many as an Identifier can tell apart (RFC 2865 §3). More are read when some of them are answered. */
const MAX_IN_FLIGHT = 256
/** How long a gateway has for the last replies and to close its end, in milliseconds. */
const GOODBYE_MS = 1000

/** RFC 6613 §2.6.4: after these the two ends do not agree on what a packet is, or on the secret. */
const ENDING: ReadonlySet<DropReason> = new Set([
  'malformed',
  'bad_message_authenticator',
  'bad_accounting_authenticator',
])

/** A connection of a gateway that has proved by its certificate who it is. Replies go out as they are made. */
export class TlsConnection {
  readonly peer: TlsPeer
  readonly #name: string
  readonly #socket: TLSSocket
  readonly #options: TlsConnectionOptions
  readonly #stream = new PacketStream()
  readonly #expiresAt: number
  #waiting: Buffer[] = []
  #inFlight = 0
  #unsent = 0
  /** Monotonic milliseconds: of the last packet, of the last octets, and since when nothing was taken of what waits. */
  #usedAt: number
  #heardAt: number
  #sentAt: number
  /** Why it ends as soon as the requests in flight are answered. */
  #ending: EndReason | undefined
  #goodbye: NodeJS.Timeout | undefined
  readonly closed: Promise<void>

  constructor(socket: TLSSocket, peer: TlsPeer, name: string, options: TlsConnectionOptions) {
    this.#socket = socket
    this.peer = peer
    this.#name = name
    this.#options = options
    this.#expiresAt = Date.parse(peer.certificate.validTo)
    this.#usedAt = options.clock.monotonic()
    this.#heardAt = this.#usedAt
    this.#sentAt = this.#usedAt
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    let isLost = false
    socket.on('error', () => {
      isLost = true
    })
    socket.once('close', () => {
      clearTimeout(this.#goodbye)
      this.#waiting = []
      options.ended(this.#ending ?? (isLost ? 'lost' : 'by_gateway'))
      closed.resolve()
    })
    socket.on('data', (octets: Buffer) => this.#take(octets))
  }

  /** Ends it if its gateway may speak no more or keeps it open for nothing. To be called now and then. */
  check(): void {
    const { clock, idleMs } = this.#options
    const now = clock.monotonic()
    const fault = this.#authorityFault()
    if (fault !== undefined) this.#cut(fault)
    else if (this.#isHalfRead && now - this.#heardAt > PACKET_WITHIN_MS) this.finish('slow_packet')
    else if (this.#unsent > 0 && now - this.#sentAt > STALLED_MS) this.#cut('stalled')
    else if (this.#inFlight === 0 && now - this.#usedAt > idleMs()) this.finish('idle')
  }

  /** Reads no more, answers what is in flight, and ends. */
  finish(reason: EndReason): void {
    this.#ending ??= reason
    this.#socket.pause()
    this.#waiting = []
    if (this.#inFlight > 0 || this.#goodbye !== undefined) return
    this.#goodbye = setTimeout(() => this.#socket.destroy(), GOODBYE_MS)
    this.#socket.end()
    // Otherwise the end of the other side would not be seen.
    this.#socket.resume()
  }

  /** While the socket is paused, it is not the gateway that makes the rest of a packet wait. */
  get #isHalfRead(): boolean {
    return this.#stream.isWithinPacket && !this.#socket.isPaused()
  }

  #cut(reason: EndReason): void {
    this.#ending ??= reason
    this.#socket.destroy()
  }

  #authorityFault(): EndReason | undefined {
    const { clock, server } = this.#options
    // What cannot be read as a time is not in the future either.
    if (!(this.#expiresAt > clock.now())) return 'certificate_expired'
    const clients = server.overTls.find(this.peer)
    return typeof clients === 'string' ? clients : undefined
  }

  #take(octets: Buffer): void {
    if (this.#ending !== undefined) return
    const now = this.#options.clock.monotonic()
    if (!this.#stream.isWithinPacket) this.#heardAt = now
    const packets = this.#stream.push(octets)
    if (packets.length > 0) {
      this.#usedAt = now
      this.#heardAt = now
    }
    this.#waiting.push(...packets)
    this.#answerWaiting()
    if (this.#stream.isBroken) this.finish('malformed')
  }

  #answerWaiting(): void {
    while (this.#ending === undefined && this.#inFlight < MAX_IN_FLIGHT) {
      const octets = this.#waiting.shift()
      if (octets === undefined) {
        if (this.#socket.isPaused()) this.#heardAt = this.#options.clock.monotonic()
        this.#socket.resume()
        return
      }
      this.#answer(octets)
    }
    this.#socket.pause()
  }

  #answer(octets: Buffer): void {
    const fault = this.#authorityFault()
    if (fault !== undefined) {
      this.#cut(fault)
      return
    }
    const answer = this.#options.server.receiveOverTls({ octets, peer: this.peer, connection: this.#name })
    if (typeof answer === 'string') {
      if (ENDING.has(answer)) this.finish(answer)
    } else if (answer instanceof Promise) {
      this.#inFlight += 1
      void answer.then((reply) => {
        this.#inFlight -= 1
        this.#send(reply)
        if (this.#ending === undefined) this.#answerWaiting()
        else this.finish(this.#ending)
      })
    } else this.#send(answer)
  }

  #send(reply: Buffer | undefined): void {
    if (reply === undefined || !this.#socket.writable) return
    // A gateway that was withdrawn meanwhile lets nobody in.
    const fault = this.#authorityFault()
    if (fault !== undefined) {
      this.#cut(fault)
      return
    }
    if (this.#unsent === 0) this.#sentAt = this.#options.clock.monotonic()
    this.#unsent += 1
    this.#socket.write(reply, this.#sent)
    if (this.#socket.writableLength > MAX_UNSENT_OCTETS) this.#cut('stalled')
  }

  readonly #sent = (): void => {
    this.#unsent -= 1
    this.#sentAt = this.#options.clock.monotonic()
  }
}
