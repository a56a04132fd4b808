import { z } from 'zod'
import { systemClock } from '../../domain/clock.ts'
import type { GraceRule } from '../../domain/grace.ts'
import { addDays, isDay, SiteDays } from '../../domain/site-days.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { fromText } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { ConfigInput } from '../schema.ts'

const MAX_LOGINS = 1000

export const graceSchema = z.strictObject({
  /** The last day, in `accounting.time_zone`. */
  until: fromText(readDay).optional(),
  /** Of each user. */
  logins: z.int().min(1).max(MAX_LOGINS).optional(),
})

type Parsed = z.output<typeof graceSchema>

function readDay(value: string): string | ValueError {
  return isDay(value) ? value : new ValueError(`${echo(value)} is not a day`, 'write 2027-02-01, say')
}

/** Users without an authenticator are let in only where one is required, and where a password says who they are. */
export function checkGrace(
  { second_factor: factor, policies = [], accounting }: PartialConfig<ConfigInput>,
  diagnostics: Diagnostics,
): void {
  for (const [index, policy] of policies.entries())
    if (policy?.grace !== undefined && !diagnostics.given(['second_factor', 'grace']))
      diagnostics.warn(['policies', index, 'grace'], 'never applies, as there is no second_factor.grace')
  const grace = factor?.grace
  if (grace === undefined) return
  const path = ['second_factor', 'grace']
  const { until, logins } = grace
  if (until !== undefined && logins !== undefined)
    diagnostics.fault(path, 'has until and logins', 'keep one of the two')
  else if (!['until', 'logins'].some((key) => diagnostics.given([...path, key])))
    diagnostics.fault(path, 'says neither how long nor how often', 'write until: 2027-02-01, or logins: 3')
  if (factor?.required === false)
    diagnostics.fault(path, 'lets in whom second_factor.required: false lets in anyway', 'remove one of them')
  if (factor?.mode === 'only')
    diagnostics.fault(path, 'second_factor.mode: only has no password that could identify the user')
  const zone = accounting?.time_zone
  if (until !== undefined && zone !== undefined && endOf(until, zone) <= systemClock.now())
    diagnostics.warn([...path, 'until'], 'is over: it lets nobody in', 'remove second_factor.grace')
}

/** @param zone of `accounting.time_zone`. */
export function resolveGrace(parsed: Parsed | undefined, zone: string): GraceRule | undefined {
  const { until, logins } = parsed ?? {}
  if (until !== undefined) return { kind: 'until', day: until, endsAt: endOf(until, zone) }
  return logins === undefined ? undefined : { kind: 'logins', most: logins }
}

/** The whole day counts. */
function endOf(day: string, zone: string): number {
  return new SiteDays(zone).startOf(addDays(day, 1))
}
