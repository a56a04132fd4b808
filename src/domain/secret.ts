import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const HIDDEN = '***'
/** Characters: what is shorter stands in many texts by chance. */
const SHORTEST_QUOTED = 4

/**
 * A password, code, seed or shared secret. However it is printed, logged or serialised it reads `***`;
 * only `reveal` and `bytes` give it out, and those two names are easy to search for.
 */
export class Secret {
  readonly #bytes: Buffer

  /** @param value text is kept as UTF-8 octets. */
  constructor(value: string | Buffer) {
    this.#bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  }

  /** The secret as UTF-8 text. */
  reveal(): string {
    return this.#bytes.toString('utf8')
  }

  /** The secret's octets themselves, not a copy. */
  bytes(): Buffer {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0
  }

  /** Constant-time comparison; only the lengths can be told apart by timing. */
  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes)
  }

  /** A text of somebody else's, who may have quoted the secret, without it. */
  hiddenIn(text: string): string {
    const own = this.reveal()
    return own.length < SHORTEST_QUOTED ? text : text.replaceAll(own, HIDDEN)
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
