import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Datagram, Service } from './exchange.ts'
import { listeningFault } from './port-taken.ts'
import { makeRoom, socketOptions } from './udp-socket.ts'

export interface UdpListenerOptions {
  readonly service: Service
  readonly address: string
  /** 0: a free one. */
  readonly port: number
  /** A descriptor of a socket that is bound there already. */
  readonly fd?: number
  /** @returns the reply, now or later. Never rejects. */
  readonly receive: (datagram: Datagram) => Promise<Buffer | undefined> | Buffer | undefined
}

/** A reply on its way to whoever asked. */
export interface Outgoing {
  readonly reply: Buffer
  readonly source: string
  readonly port: number
}

/** One UDP socket: datagrams in, replies out, no thought in between. */
export class UdpListener {
  readonly #socket: Socket
  /** Replies that the socket was given and has not passed on yet: it does so later, and not once it is closed. */
  readonly #unsent = new Set<Outgoing>()
  #whenSent: (() => void) | undefined
  #isClosed = false
  readonly service: Service
  readonly address: string
  readonly port: number
  /** As its datagrams call it. */
  readonly name: string

  private constructor(socket: Socket, options: UdpListenerOptions) {
    this.#socket = socket
    this.service = options.service
    this.address = options.address
    this.port = socket.address().port
    const name = `${options.address} ${this.port}`
    this.name = name
    socket.on('message', (octets, { address: source, port }) => {
      const reply = options.receive({ octets, source, port, service: options.service, socket: name })
      if (reply instanceof Promise) void reply.then((later) => this.#sendIfAny(later, source, port))
      else this.#sendIfAny(reply, source, port)
    })
  }

  /** @throws PortTaken naming who holds the port, where that can be seen. */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const { address, port, fd } = options
    const socket = createSocket(socketOptions(address))
    try {
      const listening = once(socket, 'listening') // one that is bound already says so at once
      if (fd === undefined) socket.bind(port, address)
      else socket.bind({ fd })
      await listening
    } catch (error) {
      throw await listeningFault(error, options)
    }
    makeRoom(socket)
    return new UdpListener(socket, options)
  }

  /** Takes no more datagrams; replies can still be sent. */
  stopReceiving(): void {
    this.#socket.removeAllListeners('message')
  }

  /** Resolves when every reply is on its way and the port is free. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    if (this.#unsent.size > 0) await new Promise<void>((resolve) => (this.#whenSent = resolve))
    const closed = once(this.#socket, 'close')
    this.#close()
    await closed
  }

  /**
   * Lets go of the socket at once, so that another process can read on where this one ended.
   * @returns what that one has to send.
   */
  letGo(): readonly Outgoing[] {
    this.#close()
    return [...this.#unsent]
  }

  /** An answer that cannot be sent is one that got lost: the gateway asks again and gets the same. */
  send(outgoing: Outgoing): void {
    if (this.#isClosed) return
    const { reply, port, source } = outgoing
    this.#unsent.add(outgoing)
    this.#socket.send(reply, port, source, () => {
      this.#unsent.delete(outgoing)
      if (this.#unsent.size === 0) this.#whenSent?.()
    })
  }

  #sendIfAny(reply: Buffer | undefined, source: string, port: number): void {
    if (reply !== undefined) this.send({ reply, source, port })
  }

  #close(): void {
    this.#isClosed = true
    this.#socket.close()
  }
}
