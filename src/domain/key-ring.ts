import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { Randomness } from './random.ts'
import { Secret } from './secret.ts'

/** One encryption key of 32 octets and the short name that sealed values carry. */
export interface SealingKey {
  readonly id: string
  readonly key: Secret
}

const KEY_OCTETS = 32
const NONCE_OCTETS = 12
const TAG_OCTETS = 16
/** Characters of base64url: 96 bits. */
const DIGEST_LENGTH = 16

/** The name of the key that sealed a value; the whole value if it has no name. */
export function keyOf(sealed: string): string {
  const [name = sealed] = sealed.split('.', 1)
  return name
}

/** No key of the ring opens the sealed value: wrong key file, changed record, or a record moved between users. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen'
}

/**
 * Seals seeds at rest with AES-256-GCM. The first key seals; every key opens, so keys can be rotated.
 * The `owner` is authenticated with the value: a row copied to another user does not open.
 * Form: `keyId.base64url(nonce ‖ ciphertext ‖ tag)`.
 */
export class KeyRing {
  #keys: readonly SealingKey[]
  readonly #random: Randomness

  constructor(keys: readonly [SealingKey, ...SealingKey[]], random: Randomness) {
    this.#keys = keys
    this.#random = random
  }

  /** Derives keys for one purpose (RFC 5869); they do not open what was sealed for another. */
  derive(purpose: string): KeyRing {
    const derived = this.#keys.map(({ id, key }): SealingKey => {
      const octets = hkdfSync('sha256', key.bytes(), '', `ocbroker ${purpose}`, KEY_OCTETS)
      return { id, key: new Secret(Buffer.from(octets)) }
    })
    const [first, ...others] = derived
    if (first === undefined) throw new CannotOpen('the key ring is empty')
    return new KeyRing([first, ...others], this.#random)
  }

  /** Seals and opens with the keys of another ring from now on. */
  replaceWith(other: KeyRing): void {
    this.#keys = other.#keys
  }

  /** HMAC-SHA-256 with the first key, in base64url. */
  sign(text: string): string {
    return createHmac('sha256', this.#current().key.bytes()).update(text).digest('base64url')
  }

  /** One for each key, the one that seals first: the same for the same key, and none tells a key. */
  digests(): readonly string[] {
    return this.#keys.map(({ id, key }) => {
      const digest = createHmac('sha256', key.bytes()).update('ocbroker key digest').digest('base64url')
      return `${id}:${digest.slice(0, DIGEST_LENGTH)}`
    })
  }

  has(id: string): boolean {
    return this.#keys.some((key) => key.id === id)
  }

  seal(plain: Secret, owner: string): string {
    const current = this.#current()
    const nonce = this.#random.bytes(NONCE_OCTETS)
    const cipher = createCipheriv('aes-256-gcm', current.key.bytes(), nonce).setAAD(Buffer.from(owner))
    const sealed = Buffer.concat([nonce, cipher.update(plain.bytes()), cipher.final(), cipher.getAuthTag()])
    return `${current.id}.${sealed.toString('base64url')}`
  }

  /** @throws CannotOpen */
  open(sealed: string, owner: string): Secret {
    const id = keyOf(sealed)
    const key = this.#keys.find((candidate) => candidate.id === id)
    if (key === undefined) throw new CannotOpen(`no key named "${id}" in the key file`)
    const bytes = Buffer.from(sealed.slice(id.length + 1), 'base64url')
    if (bytes.length < NONCE_OCTETS + TAG_OCTETS)
      throw new CannotOpen(`a value sealed by key "${id}" is cut short`)
    const decipher = createDecipheriv('aes-256-gcm', key.key.bytes(), bytes.subarray(0, NONCE_OCTETS))
      .setAAD(Buffer.from(owner))
      .setAuthTag(bytes.subarray(bytes.length - TAG_OCTETS))
    try {
      const body = bytes.subarray(NONCE_OCTETS, bytes.length - TAG_OCTETS)
      return new Secret(Buffer.concat([decipher.update(body), decipher.final()]))
    } catch (cause) {
      throw new CannotOpen(
        `a value sealed by key "${id}" does not open: it was changed or belongs to another user`,
        { cause },
      )
    }
  }

  #current(): SealingKey {
    const [current] = this.#keys
    if (current === undefined) throw new CannotOpen('the key ring is empty')
    return current
  }
}
