import type { Randomness } from '../domain/random.ts'

/** Octets of a name: no two processes whose attempts are counted at one time have the same. */
const NAME_OCTETS = 9

/** One process from its start to its end. Its attempts carry its name, so that they can be told from others'. */
export class Run {
  /** In base64url, without a dot. */
  readonly name: string
  #attempts = 0

  constructor(random: Randomness) {
    this.name = random.bytes(NAME_OCTETS).toString('base64url')
  }

  /** A new identifier: the name of the run, a dot, and a number. */
  nextAttempt(): string {
    return `${this.name}.${(this.#attempts++).toString(36)}`
  }
}
