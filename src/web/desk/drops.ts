import { isTrouble, type JudgedDrop, recentDrops } from '../../domain/traffic.ts'
import type { HttpServices } from '../../http/services.ts'

const MOST_SHOWN = 6

interface ShownDrops {
  readonly drops: readonly JudgedDrop[]
  /** How many more there are. */
  readonly more: number
}

/** What of the last hour was dropped and should be mended; the template drops.eta shows it. */
export async function dropsOf({
  records,
  clock,
}: Pick<HttpServices, 'records' | 'clock'>): Promise<ShownDrops> {
  const troubles = recentDrops(await records.traffic.list(), clock.now()).filter(isTrouble)
  // Anybody can be a stranger.
  const isStranger = ({ gateway }: JudgedDrop) => gateway === undefined
  const drops = troubles.toSorted((one, other) => Number(isStranger(one)) - Number(isStranger(other)))
  return { drops: drops.slice(0, MOST_SHOWN), more: Math.max(0, drops.length - MOST_SHOWN) }
}
