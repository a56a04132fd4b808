import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of /proc a second: 100 on every Linux that Debian ships. */
const TICKS = 100
const PARENT = 1
const USER_TIME = 11
const SYSTEM_TIME = 12

/** Processor time of all threads of these processes and of their children since they began, in milliseconds, known to 10. */
export function processorTime(pids: readonly number[]): number {
  return sum(family(pids), (pid) => {
    const fields = statOf(pid)
    return ((Number(fields?.[USER_TIME] ?? 0) + Number(fields?.[SYSTEM_TIME] ?? 0)) / TICKS) * 1000
  })
}

export interface Memory {
  /** MiB resident now. */
  readonly resident: number
  /** The most MiB that were ever resident. */
  readonly peak: number
}

export function memoryOf(pids: readonly number[]): Memory {
  const all = family(pids).map((pid) => readIfThere(`/proc/${pid}/status`) ?? '')
  const mebibytes = (key: string) =>
    sum(all, (status) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024)
  return { resident: mebibytes('VmRSS'), peak: mebibytes('VmHWM') }
}

/** Datagrams that the kernel threw away because the sockets on this port of 127.0.0.1 were full. */
export function datagramsLost(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local)
  return sum(rows, (fields) => Number(fields.at(-1) ?? 0))
}

/** Milliseconds that all cores together have worked since the machine started. */
export function machineTime(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = readFileSync('/proc/stat', 'utf8')
    .slice('cpu'.length, 200)
    .trim()
    .split(/\s+/)
    .map(Number)
  return ((user + nice + system + irq + softIrq) / TICKS) * 1000
}

function family(pids: readonly number[]): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .map(Number)
      .filter(Number.isInteger)
      .map((pid) => [pid, Number(statOf(pid)?.[PARENT])]),
  )
  const members = [...pids]
  for (const each of members) {
    for (const [pid, parent] of parents) if (parent === each) members.push(pid)
  }
  return members
}

function statOf(pid: number): string[] | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The name, which stands in brackets, may hold blanks.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A process may end while it is looked at. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
