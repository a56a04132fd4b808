import { z } from 'zod'
import type { SessionLimit } from '../../domain/session-limit.ts'
import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'

/** A member of this name would make the settings look like a promise, so it has another name behind this file. */
const THEN = 'then'

/** How many sessions a user of a policy may have at the same time. */
export const sessionLimitSchema = z.strictObject({
  most: z.int().min(1).max(1000),
  // There is no default: the one keeps users out, the other ends what they are doing.
  [THEN]: z.enum(['refuse', 'end_oldest']),
  per: z.enum(['user', 'user_and_gateway']).default('user'),
})

export function checkSessionLimit(
  deny: object | false | undefined,
  path: Path,
  diagnostics: Diagnostics,
): void {
  if (deny && diagnostics.given(path))
    diagnostics.fault(path, 'limits the sessions of a policy that refuses', 'leave out one of the two')
}

export function resolveSessionLimit({
  most,
  [THEN]: whenFull,
  per,
}: z.output<typeof sessionLimitSchema>): SessionLimit {
  return { most, whenFull, per }
}
