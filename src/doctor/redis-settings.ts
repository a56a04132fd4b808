import { Unavailable } from '../domain/errors.ts'
import type { Log, LogFields } from '../domain/log.ts'
import type { Check, Finding } from './finding.ts'

/** What the settings check of Redis would log at a start. An outage is not reported: `checkDependencies` does that. */
export function checkRedisSettings(checkSettings: (log: Log) => Promise<void>): Check {
  return async () => {
    const findings: Finding[] = []
    const note =
      (verdict: Finding['verdict']) =>
      (event: string, { consequence, change }: LogFields = {}) => {
        const remedy = change === undefined ? undefined : `set: ${change}`
        findings.push({ about: 'redis', verdict, cause: String(consequence ?? event), remedy })
      }
    try {
      await checkSettings({ debug() {}, info() {}, warn: note('warning'), error: note('fault') })
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
    return findings
  }
}
