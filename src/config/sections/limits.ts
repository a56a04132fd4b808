import { z } from 'zod'
import type { Rate } from '../../domain/duration.ts'
import { rate } from '../scalars.ts'

export const limitsShape = z.strictObject({
  user: rate('10/1m').default({ points: 10, windowMs: 60_000 }),
  address: rate('30/1m').default({ points: 30, windowMs: 60_000 }),
  gateway: rate('2000/1s').default({ points: 2000, windowMs: 1000 }),
})

/** How many tries to log in are looked at. */
export interface LimitsConfig {
  readonly user: Rate
  /** Per address of a user (Calling-Station-Id). */
  readonly address: Rate
  readonly gateway: Rate
}
