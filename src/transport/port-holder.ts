import { readFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'

export interface PortHolder {
  readonly pid: number
  readonly command: string
}

const LOCAL_ADDRESS = 1
const INODE = 9

/** Which process has a port, by Linux' /proc. @returns undefined where that cannot be seen. */
export async function holderOfPort(protocol: 'udp' | 'tcp', port: number): Promise<PortHolder | undefined> {
  const inodes = inodesOfPort(protocol, port)
  if (inodes.size === 0) return undefined
  for (const pid of await numbersIn('/proc')) {
    for (const descriptor of await numbersIn(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')
      return { pid, command: command.trim() }
    }
  }
  return undefined
}

/** The inodes of all sockets that are bound to the port, of whatever process of this network. */
export function inodesOfPort(protocol: 'udp' | 'tcp', port: number): ReadonlySet<string> {
  return new Set([protocol, `${protocol}6`].flatMap((table) => inodesOf(`/proc/net/${table}`, port)))
}

function inodesOf(table: string, port: number): string[] {
  let text: string
  try {
    text = readFileSync(table, 'utf8')
  } catch {
    return []
  }
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.flatMap((row) => (row[LOCAL_ADDRESS]?.endsWith(suffix) && row[INODE] ? [row[INODE]] : []))
}

async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [])
  return names.map(Number).filter(Number.isInteger)
}
