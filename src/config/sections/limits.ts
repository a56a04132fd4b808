import { z } from 'zod'
import { rate } from '../../schema/scalars.ts'

export const limitsSchema = z.strictObject({
  user: rate('10/1m').default({ points: 10, windowMs: 60_000 }),
  /** The user's own address (Calling-Station-Id). */
  address: rate('30/1m').default({ points: 30, windowMs: 60_000 }),
  gateway: rate('2000/1s').default({ points: 2000, windowMs: 1000 }),
})

export type LimitsConfig = z.output<typeof limitsSchema>
