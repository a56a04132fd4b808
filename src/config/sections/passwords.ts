import { availableParallelism } from 'node:os'
import { z } from 'zod'

const MOST_PARALLEL = 64

export const passwordsShape = z.strictObject({
  parallel: z
    .int()
    .min(1)
    .max(MOST_PARALLEL)
    .default(() => Math.min(MOST_PARALLEL, availableParallelism())),
  waiting: z.int().min(0).max(10_000).default(64),
})

/** The queue in front of password hashing, which costs 19 MiB and some 20 ms of a core each time. */
export interface PasswordsConfig {
  /** Checks at one time. */
  readonly parallel: number
  /** Checks that may wait for their turn; further ones are refused at once. */
  readonly waiting: number
}
