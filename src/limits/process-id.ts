import type { Randomness } from '../domain/random.ts'

/** Octets of a name, so that no two processes have the same. */
const NAME_OCTETS = 9

/** Identifies one process from its start to its end. Its attempts carry its name. */
export class ProcessId {
  /** In base64url, without a dot. */
  readonly name: string
  #attempts = 0

  constructor(random: Pick<Randomness, 'bytes'>) {
    this.name = random.bytes(NAME_OCTETS).toString('base64url')
  }

  /** The name, a dot, and a number. */
  nextAttemptId(): string {
    return `${this.name}.${(this.#attempts++).toString(36)}`
  }
}
