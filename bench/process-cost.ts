import { readFileSync } from 'node:fs'

/** Clock ticks of /proc a second: 100 on every Linux that Debian ships. */
const TICKS = 100
const USER_TIME = 11
const SYSTEM_TIME = 12

/** Processor time of all threads of a process since it began, in milliseconds, known to 10. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, which stands in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS) * 1000
}

export interface Memory {
  /** MiB resident now. */
  readonly resident: number
  /** The most MiB that were ever resident. */
  readonly peak: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { resident: mebibytes('VmRSS'), peak: mebibytes('VmHWM') }
}

/** Datagrams that the kernel threw away because the socket on this port of 127.0.0.1 was full. */
export function datagramsLost(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const row = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1] === local)
  return Number(row?.at(-1) ?? 0)
}
