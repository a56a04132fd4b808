import { hash, verify } from '@node-rs/argon2'
import type { Secret } from '../domain/secret.ts'
import { Turns } from './turns.ts'

export interface PasswordHashOptions {
  /** Hashes worked on at the same time, each on a thread of its own. */
  readonly parallel: number
  /** Hashes that may wait for a thread; one more is refused at once. */
  readonly waiting: number
}

/** OWASP's first choice for argon2id, which is this library's default algorithm: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/**
 * Argon2id behind a bounded queue. A flood of guesses fills the queue and is refused there; it neither grows memory
 * nor keeps the packet thread waiting.
 */
export class PasswordHashes {
  readonly #turns: Turns
  #decoy: Promise<string> | undefined

  constructor(options: PasswordHashOptions) {
    this.#turns = new Turns({ what: 'password checks', ...options })
  }

  /** @returns a hash in PHC form. @throws Unavailable */
  hash(password: Secret): Promise<string> {
    return this.#turns.take(() => hash(normalised(password), COST))
  }

  /** @throws Unavailable where too many checks wait already. */
  verify(stored: string, password: Secret): Promise<boolean> {
    return this.#turns.take(() => verify(stored, normalised(password)))
  }

  /** Costs what `verify` costs and is never right: for names that have no hash. @throws Unavailable */
  async verifyNothing(password: Secret): Promise<false> {
    this.#decoy ??= hash('no password has this hash', COST)
    await this.verify(await this.#decoy, password)
    return false
  }
}

/** The same characters may be typed as different octets; NFC is the form of RFC 8265 §4.2. */
function normalised(password: Secret): string {
  return password.reveal().normalize('NFC')
}
