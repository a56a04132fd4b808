import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Report } from '../fault.ts'
import type { Draft } from '../schema-walk.ts'

const MOST_PARALLEL = 64

export const passwordsShape = z.strictObject({
  parallel: z
    .int()
    .min(1)
    .max(MOST_PARALLEL)
    .default(() => Math.min(MOST_PARALLEL, availableParallelism())),
  waiting: z.int().min(0).max(10_000).default(64),
})

/** Milliseconds of one check on a usual core. */
const CHECK_MS = 20

/** @param deadlineMs of a login. */
export function checkPasswords(
  { parallel, waiting }: Draft<PasswordsConfig>,
  deadlineMs: number | undefined,
  report: Report,
): void {
  if (parallel === undefined || waiting === undefined || deadlineMs === undefined) return
  const key = ['waiting', 'parallel'].find((each) => report.given(['passwords', each]))
  // What nobody chose depends on the machine.
  if (key === undefined) return
  const waitMs = (waiting / parallel) * CHECK_MS
  if (waitMs > deadlineMs)
    report.warn(
      ['passwords', key],
      `lets logins wait ${Math.round(waitMs / 1000)} s for their check, longer than radius.deadline: they are checked for nobody`,
      `let no more than ${Math.floor((deadlineMs / CHECK_MS) * parallel)} wait`,
    )
}

/** The queue in front of password hashing, which costs 19 MiB and some 20 ms of a core each time. */
export interface PasswordsConfig {
  /** Checks at one time. */
  readonly parallel: number
  /** Checks that may wait for their turn; further ones are refused at once. */
  readonly waiting: number
}
