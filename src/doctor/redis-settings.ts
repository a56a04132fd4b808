import type { Log, LogFields } from '../domain/log.ts'
import { Unavailable } from '../domain/person.ts'
import type { Check, Finding } from './finding.ts'

/** What the examination of Redis, which a start makes too, tells its log. It does not tell twice that Redis is away. */
export function checkRedisSettings(examine: (log: Log) => Promise<void>): Check {
  return async () => {
    const findings: Finding[] = []
    const note =
      (level: Finding['level']) =>
      (event: string, fields: LogFields = {}) => {
        findings.push({
          ...{ about: 'redis', level, says: String(fields.consequence ?? event) },
          ...(fields.change !== undefined && { advice: `set: ${fields.change}` }),
        })
      }
    try {
      await examine({ debug() {}, info() {}, warn: note('warning'), error: note('fault') })
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
    return findings
  }
}
