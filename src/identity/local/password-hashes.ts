import { hash, verify } from '@node-rs/argon2'
import { opaqueString } from '../../domain/opaque-string.ts'
import type { Secret } from '../../domain/secret.ts'
import { ConcurrencyLimit, type Wait } from '../../pacing/concurrency-limit.ts'
import { throwUnavailable } from '../shed-error.ts'
import { OldHashes } from './imported-hashes/old-hashes.ts'
import { isOldHash } from './imported-hashes/scheme.ts'

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
  readonly #limit: ConcurrencyLimit
  readonly #old: OldHashes
  readonly #shed: ReturnType<typeof throwUnavailable>
  #decoy: Promise<string> | undefined

  constructor(options: PasswordHashOptions) {
    this.#limit = new ConcurrencyLimit(options)
    this.#shed = throwUnavailable('password checks', options.waiting)
    this.#old = new OldHashes({ threads: OLD_HASH_THREADS, waiting: options.waiting })
  }

  /** @returns a hash in PHC form. @throws Unavailable */
  hash(password: Secret): Promise<string> {
    return this.#limit.run(() => hash(opaqueString(password).reveal(), COST), this.#shed)
  }

  /** Whether a check that comes now has to wait. */
  get isFull(): boolean {
    return this.#limit.isFull
  }

  /**
   * @param stored argon2id in PHC form, or an imported hash (`isOutdated`).
   * @throws Unavailable if too many others wait, or its turn does not come in time.
   */
  verify(stored: string, password: Secret, wait?: Wait): Promise<boolean> {
    return this.#limit.run(
      () =>
        isOldHash(stored)
          ? this.#verifyOld(stored, password)
          : verify(stored, opaqueString(password).reveal()),
      this.#shed,
      wait,
    )
  }

  /** Whether the hash was made by another program and is to be replaced by one of `hash`. */
  isOutdated(stored: string): boolean {
    return isOldHash(stored)
  }

  /** As expensive as `verify` and always false: for names without a hash. @throws Unavailable */
  async verifyNothing(password: Secret, wait?: Wait): Promise<false> {
    this.#decoy ??= hash('no password has this hash', COST)
    await this.verify(await this.#decoy, password, wait)
    return false
  }

  /** Ends the threads for imported hashes. No check may be in progress. */
  close(): void {
    this.#old.close()
  }

  /** Also computes an argon2 hash and discards it: a faster answer must not reveal that a user was imported. */
  async #verifyOld(stored: string, password: Secret): Promise<boolean> {
    const [right] = await Promise.all([
      this.#verifyAsTyped(stored, password),
      hash(opaqueString(password).reveal(), COST),
    ])
    return right
  }

  /** Other programs hash the octets that come; those of this keyboard may be composed in another way. */
  async #verifyAsTyped(stored: string, password: Secret): Promise<boolean> {
    if (await this.#old.verify(stored, password)) return true
    const composed = opaqueString(password)
    return !composed.equals(password) && this.#old.verify(stored, composed)
  }
}
