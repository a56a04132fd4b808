import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Datagram, Service } from './exchange.ts'
import { holderOfUdpPort } from './port-holder.ts'

export interface UdpListenerOptions {
  readonly service: Service
  readonly address: string
  /** 0: a free one. */
  readonly port: number
  /** @returns the reply, now or later. Never rejects. */
  readonly receive: (datagram: Datagram) => Promise<Buffer | undefined> | Buffer | undefined
}

/** Room in the kernel for a burst while the broker is busy, in octets. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/** One UDP socket: datagrams in, replies out, no thought in between. */
export class UdpListener {
  readonly #socket: Socket
  /** Replies that the socket was given and has not passed on yet: it does so later, and not once it is closed. */
  #unsent = 0
  #whenSent: (() => void) | undefined
  readonly service: Service
  readonly address: string
  readonly port: number

  private constructor(socket: Socket, options: UdpListenerOptions) {
    this.#socket = socket
    this.service = options.service
    this.address = options.address
    this.port = socket.address().port
    const name = `${options.address} ${this.port}`
    socket.on('message', (octets, { address: source, port }) => {
      const reply = options.receive({ octets, source, port, service: options.service, socket: name })
      if (reply instanceof Promise) void reply.then((later) => this.#send(later, source, port))
      else this.#send(reply, source, port)
    })
  }

  /** @throws PortTaken naming who holds the port, where that can be seen. */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const { address, port } = options
    const type = address.includes(':') ? 'udp6' : 'udp4'
    const socket = createSocket({ type, ipv6Only: type === 'udp6' && address !== '::' })
    try {
      socket.bind(port, address)
      await once(socket, 'listening')
    } catch (error) {
      throw await explain(error, options)
    }
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER)
    } catch {
      // The system's own size serves as well.
    }
    return new UdpListener(socket, options)
  }

  /** Takes no more datagrams; replies can still be sent. */
  stopReceiving(): void {
    this.#socket.removeAllListeners('message')
  }

  /** Resolves when every reply is on its way and the port is free. */
  async close(): Promise<void> {
    if (this.#unsent > 0) await new Promise<void>((resolve) => (this.#whenSent = resolve))
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #send(reply: Buffer | undefined, source: string, port: number): void {
    if (reply === undefined) return
    this.#unsent += 1
    // An answer that cannot be sent is one that got lost: the gateway asks again and gets the same.
    this.#socket.send(reply, port, source, () => {
      this.#unsent -= 1
      if (this.#unsent === 0) this.#whenSent?.()
    })
  }
}

async function explain(error: unknown, { address, port, service }: UdpListenerOptions): Promise<Error> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `${address}:${port} (${service})`
  if (code === 'EADDRINUSE') {
    const holder = await holderOfUdpPort(port)
    const who = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`
    return new PortTaken(`cannot listen on ${where}: ${who} holds the port`, { cause: error })
  }
  if (code === 'EADDRNOTAVAIL') {
    return new PortTaken(`cannot listen on ${where}: this machine has no address ${address}`, {
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new PortTaken(`cannot listen on ${where}: ports below 1024 need more rights`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
