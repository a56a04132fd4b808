import { hash, verify } from '@node-rs/argon2'
import { Secret } from '../domain/secret.ts'
import { OldHashes } from './imported-hashes/old-hashes.ts'
import { isOldHash } from './imported-hashes/scheme.ts'
import { Turns } from './turns.ts'

export interface PasswordHashOptions {
  /** Hashes worked on at the same time, each on a thread of its own. */
  readonly parallel: number
  /** Hashes that may wait for a thread; where one more comes, the oldest is refused. */
  readonly waiting: number
}

/** Threads for hashes that other programs made: few users have one, and each only until the next login. */
const OLD_HASH_THREADS = 2

/** OWASP's first choice for argon2id, which is this library's default algorithm: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/**
 * Argon2id behind a bounded queue. A flood of guesses fills the queue and is refused there; it neither grows memory
 * nor keeps the packet thread waiting.
 */
export class PasswordHashes {
  readonly #turns: Turns
  readonly #old: OldHashes
  #decoy: Promise<string> | undefined

  constructor(options: PasswordHashOptions) {
    this.#turns = new Turns({ what: 'password checks', ...options })
    this.#old = new OldHashes({ threads: OLD_HASH_THREADS, waiting: options.waiting })
  }

  /** @returns a hash in PHC form. @throws Unavailable */
  hash(password: Secret): Promise<string> {
    return this.#turns.take(() => hash(normalised(password), COST))
  }

  /**
   * @param stored argon2id in PHC form, or an imported hash (`isOutdated`).
   * @param patienceMs how long it may wait for its turn: then nobody waits for the answer any more.
   * @throws Unavailable where too many others wait.
   */
  verify(stored: string, password: Secret, patienceMs?: number): Promise<boolean> {
    return this.#turns.take(
      () => (isOldHash(stored) ? this.#verifyOld(stored, password) : verify(stored, normalised(password))),
      patienceMs,
    )
  }

  /** Whether the hash was made by another program and is to be replaced by one of `hash`. */
  isOutdated(stored: string): boolean {
    return isOldHash(stored)
  }

  /** Costs what `verify` costs and is never right: for names that have no hash. @throws Unavailable */
  async verifyNothing(password: Secret, patienceMs?: number): Promise<false> {
    this.#decoy ??= hash('no password has this hash', COST)
    await this.verify(await this.#decoy, password, patienceMs)
    return false
  }

  /** Beside the check goes a hash that is thrown away: an imported user must not be told by a quicker answer. */
  async #verifyOld(stored: string, password: Secret): Promise<boolean> {
    const [right] = await Promise.all([
      this.#verifyAsTyped(stored, password),
      hash(normalised(password), COST),
    ])
    return right
  }

  /** Other programs hash the octets that come; those of this keyboard may be composed in another way. */
  async #verifyAsTyped(stored: string, password: Secret): Promise<boolean> {
    if (await this.#old.verify(stored, password)) return true
    const composed = new Secret(normalised(password))
    return !composed.equals(password) && this.#old.verify(stored, composed)
  }
}

/** The same characters may be typed as different octets; NFC is the form of RFC 8265 §4.2. */
function normalised(password: Secret): string {
  return password.reveal().normalize('NFC')
}
