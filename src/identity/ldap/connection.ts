import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../domain/clock.ts'
import type { Deadlines, Timed } from '../../domain/deadlines.ts'
import { Secret } from '../../domain/secret.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Owner } from './job.ts'
import { Decoder, encodeBind, encodeSearch, encodeUnbind, type SearchOrder } from './ldapjs-coding.ts'
import { MessageStream } from './message-stream.ts'
import { type Response, type ResultOf, readResponse } from './response-shape.ts'
import { socketCause } from './socket-causes.ts'

/** How an operation ended (RFC 4511 §4.1.9). */
export interface Result {
  readonly code: number
  /** The server's own words, for operators. */
  readonly diagnostic: string
}

export interface Entry {
  /** As the server spells it. */
  readonly dn: string
  /** Values by attribute in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
}

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
  /** Of the TLS files that it was made with. */
  readonly edition: number
  readonly deadlines: Deadlines
  readonly clock: Clock
}

interface Pending extends Timed {
  readonly id: number
  readonly of: ResultOf
  readonly owner: Owner
  readonly entries: Entry[]
  readonly mostEntries: number
  references: number
  resolve(found: Found): void
  reject(error: ConnectionLost): void
}

/** Octets of one message. The longest that is asked for is the list of a directory's attribute types. */
const LONGEST_MESSAGE = 4 * 1024 * 1024
const LAST_MESSAGE_ID = 0x7fff_ffff

/**
 * One connection with one operation at a time, so that a reply that cannot be read harms nobody but the one for whom
 * it came. Whatever goes wrong ends it: it answers nothing more and is never used again.
 */
export class Connection {
  readonly openedAt: number
  readonly edition: number
  readonly #options: ConnectionOptions
  readonly #stream = new MessageStream(LONGEST_MESSAGE)
  readonly #decoder = new Decoder()
  #pending: Pending | undefined
  #lastId = 0
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

  /** Operations so far. */
  get uses(): number {
    return this.#lastId
  }

  /** Called once, when the connection is of no use any more. */
  set onLost(listener: () => void) {
    this.#onLost = listener
  }

  /**
   * Binds with a name and a password (RFC 4513 §5.1.3).
   * @param note called when the request is about to be sent. @throws ConnectionLost
   */
  async bind(
    name: string,
    password: string,
    owner: Owner,
    expiresAt: number,
    note?: () => void,
  ): Promise<Result> {
    // Both would be an anonymous bind, which succeeds (RFC 4513 §5.1.1 and §5.1.2).
    if (name === '' || password === '') throw new Error('a bind needs a name and a password')
    const { socket, mustBeSecret } = this.#options
    if (mustBeSecret && !(socket instanceof TLSSocket && socket.authorized))
      throw this.#lose('refused', 'the connection is not secret')
    note?.()
    const result = await this.#ask('bind', owner, expiresAt, 0, (id) => encodeBind(id, name, password))
    return { ...result, diagnostic: new Secret(password).hiddenIn(result.diagnostic) }
  }

  /** @throws ConnectionLost */
  search(order: SearchOrder, owner: Owner, expiresAt: number): Promise<Found> {
    return this.#ask('search', owner, expiresAt, order.sizeLimit, (id) => encodeSearch(id, order))
  }

  /** Says goodbye. */
  close(): void {
    if (this.#loss !== undefined) return
    const { socket } = this.#options
    this.#loss = new ConnectionLost('closed', 'the broker closed it')
    socket.end(encodeUnbind(this.#nextId()), () => socket.destroy())
  }

  #ask(
    of: ResultOf,
    owner: Owner,
    expiresAt: number,
    mostEntries: number,
    encode: (id: number) => Buffer,
  ): Promise<Found> {
    if (this.#loss !== undefined) return Promise.reject(this.#loss)
    if (this.#pending !== undefined) return Promise.reject(new Error('one operation at a time'))
    const id = this.#nextId()
    const { socket, deadlines } = this.#options
    return new Promise((resolve, reject) => {
      const expire = () => this.#lose('silent', 'it does not answer')
      this.#pending = {
        id,
        of,
        owner,
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
    this.#lastId = this.#lastId === LAST_MESSAGE_ID ? 1 : this.#lastId + 1
    return this.#lastId
  }

  #receive(piece: Buffer): void {
    if (this.#loss !== undefined) return
    try {
      for (const frame of this.#stream.take(piece)) this.#take(frame)
    } catch (error) {
      this.#lose('malformed', error instanceof Error ? error.message : String(error))
    }
  }

  #take(frame: Buffer): void {
    const response = readResponse(frame)
    if (response === undefined) throw new Error('it sent a message that cannot be read')
    const pending = this.#pending
    if (pending === undefined || response.id !== pending.id)
      throw new Error('it sent a message that nobody had asked for')
    if (response.kind === 'result') {
      if (response.of !== pending.of) throw new Error('it answered another question')
      this.#settle(pending, response)
    } else if (pending.of !== 'search') throw new Error('it answered another question')
    else if (response.kind === 'reference') pending.references += 1
    else if (pending.entries.length >= pending.mostEntries)
      throw new Error('it sent more entries than were asked for')
    else pending.entries.push(this.#entryOf(pending, response))
  }

  #entryOf({ owner }: Pending, { dn, decodable }: Response & { kind: 'entry' }): Entry {
    const { attributes = [] } = owner.whileDecoding(() => this.#decoder.decode(decodable))
    return {
      dn,
      attributes: new Map(
        attributes.map(({ type, buffers }) => [nameOf(type), buffers.map((value) => value.toString('utf8'))]),
      ),
    }
  }

  #settle(pending: Pending, { decodable }: Response & { kind: 'result' }): void {
    const { status, diagnosticMessage = '' } = pending.owner.whileDecoding(() =>
      this.#decoder.decode(decodable),
    )
    if (status === undefined) throw new Error('it sent a result without a code')
    this.#pending = undefined
    this.#options.deadlines.remove(pending)
    pending.resolve({
      code: status,
      diagnostic: diagnosticMessage,
      entries: pending.entries,
      references: pending.references,
    })
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

/** Active Directory returns long lists as `memberOf;range=0-1499`. */
function nameOf(type: string): string {
  return type.toLowerCase().replace(/;range=.*$/, '')
}
