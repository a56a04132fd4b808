import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Randomness } from '../../domain/random.ts'

/** RFC 2865 §3: an identifier is one octet, so a source port carries this many requests at a time. */
const IDENTIFIERS = 256

/** One request in flight. */
interface Receiver {
  /** A datagram with this request's identifier came, from the server's address; nothing else is known of it. */
  receive(datagram: Buffer): void
  /** The system says that the server cannot be reached. */
  failed(error: Error): void
}

interface Source {
  readonly socket: Socket
  readonly waiting: Map<number, Receiver>
}

/** An identifier on one of the sockets, until it is given back. */
export interface Place {
  readonly identifier: number
  send(datagram: Buffer): void
  giveBack(): void
}

export interface SourceSocketOptions {
  /** An address, or a name that is resolved when the sockets are opened. */
  readonly host: string
  readonly port: number
  readonly count: number
  readonly random: Randomness
  /** Called for a datagram that answers no request. */
  readonly unasked: () => void
}

/**
 * The sockets for requests to one server. Each is connected to it, so that the kernel delivers only that server's
 * datagrams and reports when its port is closed. Ports and identifiers are random, so that a forger has to guess them.
 */
export class SourceSockets {
  readonly #options: SourceSocketOptions
  #sources: readonly Source[] | undefined
  #opening: Promise<void> | undefined

  constructor(options: SourceSocketOptions) {
    this.#options = options
  }

  /**
   * Takes a free identifier of a random socket for one request.
   * @returns undefined where every one of them is in use.
   * @throws Error where the server's name is unknown or no socket is to be had.
   */
  async take(receiver: Receiver): Promise<Place | undefined> {
    while (this.#sources === undefined) {
      this.#opening ??= this.#open()
      await this.#opening
    }
    const sources = this.#sources
    const dice = this.#options.random.bytes(3)
    const first = dice.readUInt16BE(0)
    for (let step = 0; step < sources.length; step += 1) {
      const source = sources[(first + step) % sources.length]
      if (source === undefined || source.waiting.size === IDENTIFIERS) continue
      let identifier = dice.readUInt8(2)
      while (source.waiting.has(identifier)) identifier = (identifier + 1) % IDENTIFIERS
      source.waiting.set(identifier, receiver)
      return {
        identifier,
        send: (datagram) => source.socket.send(datagram, (error) => error && receiver.failed(error)),
        giveBack: () => source.waiting.delete(identifier),
      }
    }
    return undefined
  }

  /** Closes the sockets if no request is in flight; the next request resolves the name again and opens new ones. */
  renew(): void {
    if (this.#sources?.every(({ waiting }) => waiting.size === 0)) this.#closeOpen()
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    this.#closeOpen()
  }

  #closeOpen(): void {
    const sources = this.#sources ?? []
    this.#sources = undefined
    for (const { socket, waiting } of sources) {
      socket.close()
      for (const receiver of [...waiting.values()]) receiver.failed(new Error('the sockets were closed'))
    }
  }

  async #open(): Promise<void> {
    const { host, port, count } = this.#options
    const opened: Source[] = []
    try {
      const { address, family } = await lookup(host)
      for (let made = 0; made < count; made += 1) {
        const source = { socket: createSocket(family === 6 ? 'udp6' : 'udp4'), waiting: new Map() }
        opened.push(source)
        source.socket.connect(port, address)
        await once(source.socket, 'connect')
        this.#listen(source)
      }
      this.#sources = opened
    } catch (error) {
      for (const { socket } of opened) socket.close()
      throw error
    } finally {
      this.#opening = undefined
    }
  }

  #listen({ socket, waiting }: Source): void {
    socket.unref()
    socket.on('message', (datagram) => {
      const receiver = datagram.length > 1 ? waiting.get(datagram.readUInt8(1)) : undefined
      if (receiver === undefined) this.#options.unasked()
      else receiver.receive(datagram)
    })
    socket.on('error', (error) => {
      for (const receiver of [...waiting.values()]) receiver.failed(error)
    })
  }
}
