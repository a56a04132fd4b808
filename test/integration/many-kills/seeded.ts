/** The same choices again for the same seed. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, `end`. */
  below(end: number): number {
    // A linear congruential generator modulo 2^32; its high bits are the good ones.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return (this.#state / 2 ** 32) * end
  }

  oneOf<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.below(choices.length))]
    if (chosen === undefined) throw new Error('there is nothing to choose from')
    return chosen
  }

  /** So many of them, in random order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices]
    return Array.from({ length: count }, () => {
      const chosen = this.oneOf(left)
      left.splice(left.indexOf(chosen), 1)
      return chosen
    })
  }
}
