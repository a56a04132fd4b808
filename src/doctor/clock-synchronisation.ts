import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Check, ok, warning } from './finding.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 3000

/** Whether the machine's clock is synchronised: codes change every half minute. Finds nothing without timedatectl. */
export function checkClock(program = 'timedatectl'): Check {
  return async () => {
    try {
      const options = ['show', '--property=NTPSynchronized', '--value']
      const { stdout } = await run(program, options, { timeout: TIMEOUT_MS })
      if (stdout.trim() === 'yes') return [ok('clock', 'is synchronised')]
    } catch {
      return []
    }
    return [
      warning(
        'clock',
        'is not synchronised',
        'run: timedatectl set-ntp true; a clock that is a minute off refuses every code',
      ),
    ]
  }
}
