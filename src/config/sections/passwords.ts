import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

const MAX_PARALLEL = 64

/** The queue in front of password hashing, which takes 19 MiB and about 20 ms of a core each time. */
export const passwordsSchema = z.strictObject({
  parallel: z
    .int()
    .min(1)
    .max(MAX_PARALLEL)
    .default(() => Math.min(MAX_PARALLEL, availableParallelism())),
  /** Further checks are refused at once. */
  waiting: z.int().min(0).max(10_000).default(64),
})

export type PasswordsConfig = z.output<typeof passwordsSchema>

/** Milliseconds of one check on an average core. */
const CHECK_MS = 20

export function checkPasswords(
  { parallel, waiting }: PartialConfig<PasswordsConfig>,
  deadlineMs: number | undefined,
  diagnostics: Diagnostics,
): void {
  if (parallel === undefined || waiting === undefined || deadlineMs === undefined) return
  const key = ['waiting', 'parallel'].find((each) => diagnostics.given(['passwords', each]))
  // The defaults depend on the machine.
  if (key === undefined) return
  const waitMs = (waiting / parallel) * CHECK_MS
  if (waitMs > deadlineMs)
    diagnostics.warn(
      ['passwords', key],
      `lets a login wait ${Math.round(waitMs / 1000)} s for its check, longer than radius.deadline: the check is then useless`,
      `let no more than ${Math.floor((deadlineMs / CHECK_MS) * parallel)} wait`,
    )
}
