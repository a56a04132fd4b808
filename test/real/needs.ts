import { existsSync } from 'node:fs'
import { describe, test } from 'vitest'
import { findProgram } from './programs.ts'

/** What a test with a gateway and a client in namespaces of their own needs; FreeRADIUS is not part of it. */
export const TUNNEL_NEEDS: readonly string[] = [
  'root',
  '/dev/net/tun',
  'ip',
  'ocserv',
  'occtl',
  'certtool',
  'openconnect',
  '/usr/share/vpnc-scripts/vpnc-script',
]

/** With CI=true a test that cannot run is a failure, so that nobody believes it was run. */
const strict = process.env.CI === 'true'

/**
 * A suite that needs real programs, by name; the word `root` stands for being root, and a full path for a
 * file or device. Where one is lacking the suite is skipped by a name that says what, or fails with CI=true.
 */
export function describeWith(needs: readonly string[], title: string, suite: () => void): void {
  const lacking = needs.filter((need) => !isMet(need))
  if (lacking.length === 0) {
    describe(title, suite)
    return
  }
  const reason = `needs ${lacking.join(', ')}`
  if (!strict) {
    describe.skip(`${title} (${reason})`, suite)
    return
  }
  describe(title, () => {
    test('has what it needs', () => {
      throw new Error(`${title}: ${reason}`)
    })
  })
}

function isMet(need: string): boolean {
  if (need === 'root') return process.getuid?.() === 0
  return need.startsWith('/') ? existsSync(need) : findProgram(need) !== undefined
}
