import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Check, type Finding, fault, ok, warning } from './finding.ts'

const MEBIBYTE = 2 ** 20
/** With less, the disk may be full before anyone reacts. */
const MIN_FREE = 50 * MEBIBYTE
const RECOMMENDED_FREE = 500 * MEBIBYTE
const ADVICE = 'make room: logins are refused when their records cannot be written'

/** Whether there is room where the broker writes. @param paths absolute, of files and folders that may not exist yet. */
export function checkDiskSpace(paths: readonly string[]): Check {
  return async () => {
    const folders = new Set(await Promise.all(paths.map(nearestFolder)))
    return Promise.all([...folders].map(checkFolder))
  }
}

async function checkFolder(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const about = `disk of ${folder}`
  const says = `${Math.floor(free / MEBIBYTE).toLocaleString('en')} MiB are free`
  if (free >= RECOMMENDED_FREE) return ok(about, says)
  return free < MIN_FREE ? fault(about, says, ADVICE) : warning(about, says, ADVICE)
}

/** The nearest folder above the path that exists. */
async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path)
  try {
    await statfs(above)
    return above
  } catch (error) {
    if (above === path) throw error
    return nearestFolder(above)
  }
}
