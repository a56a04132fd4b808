import { type Check, type Finding, warning } from './finding.ts'

const MAX_OFF_MS = 5000

/**
 * Whether this clock agrees with those of the servers that the broker uses.
 * @param servers how far this clock is ahead of each, in milliseconds; undefined where it does not say.
 */
export function checkServerClocks(
  servers: Readonly<Record<string, () => Promise<number | undefined>>>,
): Check {
  return async () => {
    const found = await Promise.all(
      Object.entries(servers).map(async ([name, measure]): Promise<Finding[]> => {
        // An outage is the finding of another check.
        const aheadMs = await measure().catch(() => undefined)
        if (aheadMs === undefined || Math.abs(aheadMs) < MAX_OFF_MS) return []
        const seconds = Math.round(Math.abs(aheadMs) / 1000)
        const off = `is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${name}`
        return [warning('clock', off, 'on both machines: timedatectl set-ntp true')]
      }),
    )
    return found.flat()
  }
}
