/** What a server sends that is no LDAP, or more of it than is wanted. */
export class MalformedStream extends Error {
  override readonly name = 'MalformedStream'
}

const SEQUENCE = 0x30

/**
 * Cuts a stream into whole messages. What has arrived of an unfinished one is put together only when all of it is
 * there, so that a long message in small pieces costs no more than a short one.
 */
export class MessageStream {
  readonly #longest: number
  #pieces: Buffer[] = []
  #held = 0
  #wanted = 2

  /** @param longest octets of a message that is still taken. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Whether a message has begun and not ended. */
  get isWithin(): boolean {
    return this.#held > 0
  }

  /** @returns the messages that are complete now. @throws MalformedStream */
  take(piece: Buffer): readonly Buffer[] {
    this.#pieces.push(piece)
    this.#held += piece.length
    const messages: Buffer[] = []
    while (this.#held >= this.#wanted) {
      const held = this.#joined()
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

  #joined(): Buffer {
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
    if (length > this.#longest) throw new MalformedStream(`it announced a message of ${length} octets`)
    return length
  }
}
