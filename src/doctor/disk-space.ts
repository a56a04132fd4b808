import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Check, Finding } from './finding.ts'

const MEBIBYTE = 2 ** 20
/** Below this nothing may be kept any more before anybody comes to look. */
const TOO_LITTLE = 50 * MEBIBYTE
const LITTLE = 500 * MEBIBYTE

/** Whether there is room where the broker writes. @param paths absolute, of files and folders that may not exist yet. */
export function checkDiskSpace(paths: readonly string[]): Check {
  return async () => {
    const folders = new Set(await Promise.all(paths.map(nearestFolder)))
    return Promise.all([...folders].map(look))
  }
}

async function look(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const about = `disk of ${folder}`
  const says = `${Math.floor(free / MEBIBYTE).toLocaleString('en')} MiB are free`
  if (free >= LITTLE) return { about, level: 'good', says }
  return {
    ...{ about, level: free < TOO_LITTLE ? 'fault' : 'warning', says },
    advice: 'make room: without it logins are refused, because nothing can be kept of them',
  }
}

/** The folder itself, or the first above it that exists. */
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
