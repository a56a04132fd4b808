import { readFileSync } from 'node:fs'

/** The limit of file descriptors of this process, from Linux' /proc; Infinity where it is not known. */
export function descriptorsAllowed(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
