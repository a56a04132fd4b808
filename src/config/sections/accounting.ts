import { z } from 'zod'
import { timeZone } from '../time-zone.ts'

export const accountingSchema = z.strictObject({
  /** Its days are those of usage and quotas. */
  time_zone: timeZone().default('UTC'),
})

export type AccountingConfig = ReturnType<typeof resolveAccounting>

export function resolveAccounting({ time_zone }: z.output<typeof accountingSchema>) {
  return { timeZone: time_zone }
}
