import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { allowFragments, setsockopt } from './fragments.ts'
import { listeningFault } from './port-taken.ts'
import type { Datagram, Service } from './radius-server.ts'
import { makeRoom, socketOptions } from './udp-socket.ts'

export interface UdpListenerOptions {
  readonly service: Service
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** A descriptor of a socket that is bound there already. */
  readonly fd?: number
  /** Whether other processes of this user may open the same place; each sender then reaches one of them. */
  readonly reusePort?: boolean
  /** @returns the reply, now or later. Never rejects. */
  readonly receive: (datagram: Datagram) => Promise<Buffer | undefined> | Buffer | undefined
}

/** One UDP socket: passes datagrams in and replies out. */
export class UdpListener {
  readonly #socket: Socket
  /** Replies that the socket has taken and not sent yet: closing it would lose them. */
  #unsent = 0
  #onSent: (() => void) | undefined
  #isClosed = false
  readonly service: Service
  readonly address: string
  readonly port: number

  private constructor(socket: Socket, { service, address, receive }: UdpListenerOptions) {
    this.#socket = socket
    this.service = service
    this.address = address
    this.port = socket.address().port
    const name = `${address} ${this.port}`
    socket.on('message', (octets, { address: source, port }) => {
      const reply = receive({ octets, source, port, service, socket: name })
      if (reply instanceof Promise) void reply.then((later) => this.#send(later, source, port))
      else this.#send(reply, source, port)
    })
  }

  /** @throws OperatorError naming the process that holds the port, where that can be seen. */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const { address, port, fd, reusePort } = options
    const setOption = await setsockopt()
    const socket = createSocket({ ...socketOptions(address), reusePort })
    try {
      const listening = once(socket, 'listening') // one that is bound already emits it at once
      if (fd === undefined) socket.bind(port, address)
      else socket.bind({ fd })
      await listening
    } catch (error) {
      throw await listeningFault(error, options)
    }
    makeRoom(socket)
    allowFragments(socket, setOption)
    return new UdpListener(socket, options)
  }

  /** Takes no more datagrams; replies can still be sent. */
  stopReceiving(): void {
    this.#socket.removeAllListeners('message')
  }

  /** Resolves when every reply is sent and the port is free. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    if (this.#unsent > 0) await new Promise<void>((resolve) => (this.#onSent = resolve))
    const closed = once(this.#socket, 'close')
    this.#isClosed = true
    this.#socket.close()
    await closed
  }

  /** A reply that cannot be sent is like one that is lost: the gateway asks again and gets the same. */
  #send(reply: Buffer | undefined, source: string, port: number): void {
    if (reply === undefined || this.#isClosed) return
    this.#unsent += 1
    this.#socket.send(reply, port, source, this.#sent)
  }

  readonly #sent = (): void => {
    this.#unsent -= 1
    if (this.#unsent === 0) this.#onSent?.()
  }
}
