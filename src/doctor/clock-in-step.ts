import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Check } from './finding.ts'

const run = promisify(execFile)
const WITHIN_MS = 3000

/** Whether something keeps this machine's clock right: codes change every half minute. Where nobody knows, nothing. */
export function checkClock(program = 'timedatectl'): Check {
  return async () => {
    try {
      const { stdout } = await run(program, ['show', '--property=NTPSynchronized', '--value'], {
        timeout: WITHIN_MS,
      })
      if (stdout.trim() === 'yes') return [{ about: 'clock', level: 'good', says: 'is kept right' }]
      return [
        {
          ...{ about: 'clock', level: 'warning', says: 'nothing keeps it right' },
          advice: 'run: timedatectl set-ntp true; a clock that is a minute off refuses every code',
        },
      ]
    } catch {
      return []
    }
  }
}
