import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const HIDDEN = '***'
/** A shorter secret occurs in many texts by chance. */
const MIN_REDACTED_LENGTH = 4

/**
 * A password, code, seed or shared secret. Printed, logged or serialised it reads `***`; only `reveal` and `bytes`
 * return it, and both names are easy to search for.
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

  /** The text, which another program may have written, with the secret replaced by `***`. */
  redactedFrom(text: string): string {
    const own = this.reveal()
    return own.length < MIN_REDACTED_LENGTH ? text : text.replaceAll(own, HIDDEN)
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
