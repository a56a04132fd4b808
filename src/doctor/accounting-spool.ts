import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check, Finding } from './finding.ts'

/** What of accounting waits on disk for the database, and what was put aside because nobody can use it. */
export function checkSpool(folder: string): Check {
  return async () => {
    const about = `accounting in ${folder}`
    const octets = async (kind: string) => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(`.${kind}`))
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
      return sizes.reduce((sum, size) => sum + size, 0)
    }
    try {
      const waiting = (await octets('waiting')) + (await octets('leaving'))
      const refused = await octets('refused')
      const findings: Finding[] = []
      if (waiting > 0)
        findings.push({
          ...{ about, level: 'warning', says: `${waiting} octets wait for the database` },
          advice: 'a running broker delivers them as soon as the database takes them',
        })
      if (refused > 0)
        findings.push({
          ...{ about, level: 'warning', says: `${refused} octets could not be used` },
          advice: 'look at the files *.refused, and remove them',
        })
      return findings.length > 0 ? findings : [{ about, level: 'good', says: 'nothing waits' }]
    } catch (error) {
      // It is made at the first start.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      return [{ about, level: 'fault', says: error instanceof Error ? error.message : String(error) }]
    }
  }
}
