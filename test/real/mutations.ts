/**
 * Changes up to three octets of a message, differently each time, and alike in each run with the same seed.
 * @param seed any whole number.
 */
export function mutations(seed: number): (message: Buffer) => Buffer {
  let state = seed
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return (original) => {
    const mutated = Buffer.from(original)
    for (let count = 1 + below(3); count > 0; count--) mutated[below(mutated.length)] = below(256)
    return mutated
  }
}
