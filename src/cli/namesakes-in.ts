import type { Store } from '../app/storage.ts'
import { systemClock } from '../domain/clock.ts'
import { type Namesakes, namesakesOf } from '../manage/namesakes.ts'

const PATIENCE_MS = 10_000

/** Which other identity stores have a user of this name. */
export function namesakesIn({ candidates }: Store, name: string): Promise<Namesakes> {
  return namesakesOf(name, { candidates, clock: systemClock, patienceMs: PATIENCE_MS })
}
