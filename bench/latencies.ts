/** Buckets to an octave: a latency is known to 1.6 %. */
const PER_OCTAVE = 64
const EXACT_UP_TO = 2 * PER_OCTAVE
/** Microseconds, about two minutes: longer than any request waits for its answer. */
const MAX_LATENCY = 2 ** 27 - 1

/** How often each latency came: the number of buckets does not grow with the number of samples. */
export class Latencies {
  readonly #counts: number[]

  /** @param counts what `toJSON` of another gave. */
  constructor(counts?: readonly number[]) {
    this.#counts = counts === undefined ? new Array(bucketOf(MAX_LATENCY) + 1).fill(0) : [...counts]
  }

  /** @param milliseconds with their fraction. */
  add(milliseconds: number): void {
    const bucket = bucketOf(Math.min(MAX_LATENCY, Math.max(0, Math.round(milliseconds * 1000))))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
  }

  addAll(others: Latencies): void {
    for (const [bucket, count] of others.#counts.entries()) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    }
  }

  get samples(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** @param share 0.99 for the ninety-ninth percentile. @returns milliseconds; NaN without samples. */
  percentile(share: number): number {
    const rank = Math.ceil(this.samples * share)
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return middleOf(bucket) / 1000
    }
    return Number.NaN
  }

  /** The form in which it crosses to another process. */
  toJSON(): readonly number[] {
    return this.#counts
  }
}

/** Linear at first, then each octave in as many steps: `doublings` is how often the value was halved to fit one. */
function bucketOf(micros: number): number {
  if (micros < EXACT_UP_TO) return micros
  const doublings = 31 - Math.clz32(micros) - Math.log2(PER_OCTAVE)
  return doublings * PER_OCTAVE + (micros >> doublings)
}

function middleOf(bucket: number): number {
  if (bucket < EXACT_UP_TO) return bucket
  const doublings = Math.floor(bucket / PER_OCTAVE) - 1
  const lowest = (bucket - doublings * PER_OCTAVE) * 2 ** doublings
  return lowest + (2 ** doublings - 1) / 2
}
