import { readFileSync } from 'node:fs'

/** File descriptors that this process may have, by Linux' /proc; Infinity where that cannot be seen. */
export function descriptorsAllowed(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
