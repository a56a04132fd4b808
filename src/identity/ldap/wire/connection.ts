import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../../domain/clock.ts'
import { messageOf } from '../../../domain/errors.ts'
import { Secret } from '../../../domain/secret.ts'
import type { Deadlines, Timed } from '../../../pacing/deadlines.ts'
import { ConnectionLost } from './connection-lost.ts'
import { MalformedStream, MessageStream } from './message-stream.ts'
import { encodeBind, encodeExternalBind, encodeSearch, encodeUnbind, type SearchOrder } from './requests.ts'
import {
  type Entry,
  MalformedResponse,
  type Response,
  type Result,
  type ResultOf,
  readResponse,
} from './response-reader.ts'
import { socketCause } from './socket-causes.ts'

export interface Found extends Result {
  readonly entries: readonly Entry[]
  /** How often the server said to look elsewhere. */
  readonly references: number
}

export interface ConnectionOptions {
  readonly socket: Socket
  /** Whether the socket has to be one of TLS with a verified certificate before a password may cross it. */
  readonly mustBeSecret: boolean
  readonly caFile?: string
  /** The edition of the TLS files that it was made with. */
  readonly edition: number
  readonly deadlines: Deadlines
  readonly clock: Clock
}

interface Pending extends Timed {
  readonly id: number
  readonly of: ResultOf
  readonly entries: Entry[]
  readonly mostEntries: number
  references: number
  resolve(found: Found): void
  reject(error: ConnectionLost): void
}

/** Maximum octets of all messages of one answer. The longest is the list of a directory's attribute types. */
const MAX_ANSWER_OCTETS = 4 * 1024 * 1024
const MAX_MESSAGE_ID = 0x7fff_ffff

/**
 * One connection with one operation at a time, so that a malformed reply affects only the operation that it answers. Any
 * fault ends the connection for good.
 */
export class Connection {
  readonly openedAt: number
  readonly edition: number
  readonly #options: ConnectionOptions
  readonly #stream = new MessageStream(MAX_ANSWER_OCTETS)
  #pending: Pending | undefined
  #lastId = 0
  /** Received since the latest request. */
  #octets = 0
  #loss: ConnectionLost | undefined
  #onLost: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.openedAt = options.clock.monotonic()
    this.edition = options.edition
    const { socket } = options
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    socket.on('error', (error) => this.#lose('closed', socketCause(error, options.caFile)))
    socket.on('close', () => this.#lose('closed', 'it closed the connection'))
    socket.on('end', () => this.#lose('closed', 'it closed the connection'))
  }

  get isLost(): boolean {
    return this.#loss !== undefined
  }

  /** Called once, when the connection is lost. */
  set onLost(listener: () => void) {
    this.#onLost = listener
  }

  /**
   * Binds with a name and a password (RFC 4513 §5.1.3).
   * @param note called when the request is about to be sent. @throws ConnectionLost
   */
  async bind(name: string, password: string, expiresAt: number, note?: () => void): Promise<Result> {
    // Both would be an anonymous bind, which succeeds (RFC 4513 §5.1.1 and §5.1.2).
    if (name === '' || password === '') throw new Error('a bind needs a name and a password')
    const { socket, mustBeSecret } = this.#options
    if (mustBeSecret && !(socket instanceof TLSSocket && socket.authorized))
      throw this.#lose('refused', 'the connection is not secret')
    note?.()
    const result = await this.#ask('bind', expiresAt, 0, (id) => encodeBind(id, name, password))
    return { ...result, diagnostic: new Secret(password).redactedFrom(result.diagnostic) }
  }

  /** Binds as this process, by a Unix socket (SASL EXTERNAL). @throws ConnectionLost */
  bindExternal(expiresAt: number): Promise<Result> {
    return this.#ask('bind', expiresAt, 0, encodeExternalBind)
  }

  /** @throws ConnectionLost */
  search(order: SearchOrder, expiresAt: number): Promise<Found> {
    const most = order.page?.size ?? order.sizeLimit
    return this.#ask('search', expiresAt, most, (id) => encodeSearch(id, order))
  }

  /** Says goodbye. */
  close(): void {
    if (this.#loss !== undefined) return
    const { socket } = this.#options
    this.#loss = new ConnectionLost('closed', 'the broker closed it')
    socket.end(encodeUnbind(this.#nextId()), () => socket.destroy())
  }

  #ask(of: ResultOf, expiresAt: number, mostEntries: number, encode: (id: number) => Buffer): Promise<Found> {
    if (this.#loss !== undefined) return Promise.reject(this.#loss)
    if (this.#pending !== undefined) return Promise.reject(new Error('one operation at a time'))
    const id = this.#nextId()
    this.#octets = 0
    const { socket, deadlines } = this.#options
    return new Promise((resolve, reject) => {
      const expire = () => this.#lose('silent', 'it does not answer')
      this.#pending = {
        id,
        of,
        expiresAt,
        mostEntries,
        entries: [],
        references: 0,
        resolve,
        reject,
        expire,
      }
      deadlines.add(this.#pending)
      socket.write(encode(id))
    })
  }

  #nextId(): number {
    this.#lastId = this.#lastId === MAX_MESSAGE_ID ? 1 : this.#lastId + 1
    return this.#lastId
  }

  #receive(piece: Buffer): void {
    if (this.#loss !== undefined) return
    try {
      this.#octets += piece.length
      if (this.#octets > MAX_ANSWER_OCTETS) throw new MalformedStream('it sent more than an answer may hold')
      for (const frame of this.#stream.take(piece)) this.#take(readResponse(frame))
    } catch (error) {
      this.#lose('malformed', messageOf(error))
    }
  }

  #take(response: Response): void {
    const pending = this.#pending
    if (pending === undefined || response.id !== pending.id)
      throw new MalformedResponse('it sent a message that was not asked for')
    if (response.kind === 'result') {
      if (response.of !== pending.of) throw new MalformedResponse('it answered another question')
      this.#settle(pending, response.result)
    } else if (pending.of !== 'search') throw new MalformedResponse('it answered another question')
    else if (response.kind === 'reference') pending.references += 1
    else if (pending.entries.length >= pending.mostEntries)
      throw new MalformedResponse('it sent more entries than were asked for')
    else pending.entries.push(response.entry)
  }

  #settle(pending: Pending, { code, diagnostic, controls }: Result): void {
    this.#pending = undefined
    this.#options.deadlines.remove(pending)
    const { entries, references } = pending
    pending.resolve({ code, diagnostic, controls, entries, references })
  }

  #lose(kind: ConnectionLost['kind'], cause: string): ConnectionLost {
    if (this.#loss !== undefined) return this.#loss
    this.#loss = new ConnectionLost(kind, cause)
    this.#options.socket.destroy()
    const pending = this.#pending
    this.#pending = undefined
    if (pending !== undefined) {
      this.#options.deadlines.remove(pending)
      pending.reject(this.#loss)
    }
    this.#onLost?.()
    return this.#loss
  }
}
