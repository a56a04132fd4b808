import { readdir, readFile, readlink } from 'node:fs/promises'

export interface PortHolder {
  readonly pid: number
  readonly command: string
}

const LOCAL_ADDRESS = 1
const INODE = 9

/** Which process has a UDP port, by Linux' /proc. @returns undefined where that cannot be seen. */
export async function holderOfUdpPort(port: number): Promise<PortHolder | undefined> {
  const inodes = await inodesOfUdpPort(port)
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
export async function inodesOfUdpPort(port: number): Promise<ReadonlySet<string>> {
  return new Set([...(await inodesOf('/proc/net/udp', port)), ...(await inodesOf('/proc/net/udp6', port))])
}

async function inodesOf(table: string, port: number): Promise<string[]> {
  const text = await readFile(table, 'utf8').catch(() => '')
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.flatMap((row) => (row[LOCAL_ADDRESS]?.endsWith(suffix) && row[INODE] ? [row[INODE]] : []))
}

async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [])
  return names.map(Number).filter(Number.isInteger)
}
