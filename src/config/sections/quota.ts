import { z } from 'zod'
import { QUOTA_PERIODS, type Quota } from '../../domain/quota.ts'
import type { Path } from '../../schema/config-error.ts'
import { duration, size } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'

const quotaSchema = z.strictObject({
  traffic: size().optional(),
  /** Of `traffic`. */
  direction: z.enum(['down', 'up', 'both']).optional(),
  time: duration({ min: '1m', max: '8784h', wholeSeconds: true }).optional(),
  per: z.enum(QUOTA_PERIODS),
  /** Whose sessions count together. */
  of: z.enum(['user', 'group']).default('user'),
})

export const quotasSchema = z.array(quotaSchema).min(1)

type Parsed = z.output<typeof quotasSchema>

const EXAMPLE = 'write { traffic: 50GB, per: month }, or { time: 40h, per: week }'
/** With rarer reports a spent quota is noticed late. */
const MAX_INTERIM_MS = 3_600_000

/** @param denies whether the policy lets nobody in. @param interimMs undefined where the default counts. */
export function checkQuotas(
  quotas: PartialConfig<Parsed>,
  path: Path,
  { denies, interimMs }: { readonly denies: boolean; readonly interimMs: number | undefined },
  diagnostics: Diagnostics,
): void {
  if (denies) diagnostics.fault(path, 'is for a policy that lets nobody in', 'remove it, or deny')
  if (interimMs !== undefined && interimMs > MAX_INTERIM_MS)
    diagnostics.warn(
      path,
      `is counted only as often as gateways report, here every ${interimMs / 3_600_000} hours`,
      'write reply: { interim: 5m }',
    )
  const earlier = new Set<string>()
  for (const [index, quota] of quotas.entries()) {
    if (quota === undefined) continue
    const own: Path = [...path, index]
    const has = (key: string) => diagnostics.given([...own, key])
    if (has('traffic') === has('time'))
      diagnostics.fault(own, has('time') ? 'has traffic and time' : 'has neither traffic nor time', EXAMPLE)
    if (has('direction') && !has('traffic'))
      diagnostics.fault([...own, 'direction'], 'is for traffic', 'remove it')
    const { per, of } = quota
    const what = [has('time') ? 'time' : (quota.direction ?? 'both'), per, of].join(' ')
    if (earlier.has(what))
      diagnostics.fault(own, 'is for the same as a quota before it', 'keep one of the two')
    earlier.add(what)
  }
}

export function resolveQuotas(parsed: Parsed): readonly Quota[] {
  return parsed.map(({ traffic, direction = 'both', time = 0, per, of }) =>
    traffic === undefined
      ? { measure: 'time', most: time / 1000, per, of }
      : { measure: direction, most: traffic, per, of },
  )
}
