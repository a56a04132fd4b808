import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, fault, ok, warning } from './finding.ts'

/** Accounting records on disk: those that wait for the database, and those that it refused. */
export function checkSpool(folder: string): Check {
  return async () => {
    const about = `accounting in ${folder}`
    const octets = async (...kinds: readonly string[]) => {
      const names = (await readdir(folder)).filter((name) => kinds.some((kind) => name.endsWith(`.${kind}`)))
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
      return sizes.reduce((sum, size) => sum + size, 0)
    }
    try {
      const waiting = await octets('waiting', 'leaving')
      const refused = await octets('refused')
      const waits = warning(
        about,
        `${waiting} octets wait for the database`,
        'a running broker delivers them as soon as the database accepts them',
      )
      const useless = warning(
        about,
        `${refused} octets could not be used`,
        'look at the files *.refused, and remove them',
      )
      const findings = [...(waiting > 0 ? [waits] : []), ...(refused > 0 ? [useless] : [])]
      return findings.length > 0 ? findings : [ok(about, 'no record waits')]
    } catch (error) {
      // The folder is made at the first start.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      return [fault(about, error)]
    }
  }
}
