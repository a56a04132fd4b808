/** The server sent something that is not LDAP, or too much of it. */
export class MalformedStream extends Error {
  override readonly name = 'MalformedStream'
}

const SEQUENCE = 0x30
/** More pieces than this are put together, as each costs memory beside its octets. */
const MAX_PIECES = 1024

/**
 * Cuts a stream into whole messages. The pieces of an unfinished message are put together when all of it is there, so
 * that a long message in small pieces costs no more than a short one.
 */
export class MessageStream {
  readonly #maxOctets: number
  #pieces: Buffer[] = []
  #held = 0
  #wanted = 2

  /** @param maxOctets of a message that is still taken. */
  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets
  }

  /** Whether a message is incomplete. */
  get isWithin(): boolean {
    return this.#held > 0
  }

  /** @returns the messages that are complete now. @throws MalformedStream */
  take(piece: Buffer): readonly Buffer[] {
    this.#pieces.push(piece)
    this.#held += piece.length
    if (this.#pieces.length >= MAX_PIECES) this.#join()
    const messages: Buffer[] = []
    while (this.#held >= this.#wanted) {
      const held = this.#join()
      const length = this.#lengthOf(held)
      if (length === undefined || length > held.length) {
        this.#wanted = length ?? held.length + 1
        break
      }
      messages.push(held.subarray(0, length))
      this.#pieces = length === held.length ? [] : [held.subarray(length)]
      this.#held = held.length - length
      this.#wanted = 2
    }
    return messages
  }

  #join(): Buffer {
    const [first, ...more] = this.#pieces
    if (first !== undefined && more.length === 0) return first
    const held = Buffer.concat(this.#pieces)
    this.#pieces = [held]
    return held
  }

  /** @returns undefined where not even the length is there. */
  #lengthOf(held: Buffer): number | undefined {
    if (held[0] !== SEQUENCE) throw new MalformedStream('what it sent is not LDAP')
    const first = held[1] ?? 0
    const octets = first < 0x80 ? 0 : first & 0x7f
    if (first === 0x80 || octets > 4) throw new MalformedStream('it sent a length that LDAP does not have')
    if (held.length < 2 + octets) return undefined
    const length = 2 + octets + (octets === 0 ? first : held.readUIntBE(2, octets))
    if (length > this.#maxOctets) throw new MalformedStream(`it announced a message of ${length} octets`)
    return length
  }
}
