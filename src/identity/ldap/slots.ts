const BEAT = 0
const REVOKED = 1
const FIRST = 2

/** What a thread is doing for a job, as flags. */
export const Doing = {
  /** ldapjs is reading a message that came for this job. */
  decoding: 1,
  /** The user's password is on its way: whether the directory has counted it nobody can know. */
  bindSent: 2,
} as const

/**
 * Memory that two threads see: a heartbeat, and for each job what is being done for it. It can be read even where the
 * thread that wrote it answers no more, and costs no message.
 */
export class Slots {
  readonly memory: SharedArrayBuffer
  readonly #cells: Int32Array

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#cells = new Int32Array(memory)
  }

  /** @param jobs at the same time. */
  static make(jobs: number): Slots {
    return new Slots(new SharedArrayBuffer((FIRST + jobs) * Int32Array.BYTES_PER_ELEMENT))
  }

  static over(memory: SharedArrayBuffer): Slots {
    return new Slots(memory)
  }

  beat(): void {
    Atomics.add(this.#cells, BEAT, 1)
  }

  /** Differs between any two beats. */
  get pulse(): number {
    return Atomics.load(this.#cells, BEAT)
  }

  /** From now on the thread may send no password: its jobs are another's. */
  revoke(): void {
    Atomics.store(this.#cells, REVOKED, 1)
  }

  get isRevoked(): boolean {
    return Atomics.load(this.#cells, REVOKED) !== 0
  }

  reset(slot: number): void {
    Atomics.store(this.#cells, FIRST + slot, 0)
  }

  raise(slot: number, flag: number): void {
    Atomics.or(this.#cells, FIRST + slot, flag)
  }

  lower(slot: number, flag: number): void {
    Atomics.and(this.#cells, FIRST + slot, ~flag)
  }

  isRaised(slot: number, flag: number): boolean {
    return (Atomics.load(this.#cells, FIRST + slot) & flag) !== 0
  }
}
