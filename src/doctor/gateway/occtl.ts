import type { GatewayHost } from './gateway-host.ts'
import { runProgram } from './programs.ts'

/** A user as `occtl show users` tells of one. */
export type OcctlEntry = Readonly<Record<string, unknown>>

const DEFAULT_SOCKET = '/var/run/occtl.socket'

/** What ocserv's own tool prints as a list of entries. @returns undefined where it does not answer. */
export async function askOcctl(
  host: GatewayHost,
  ...words: readonly string[]
): Promise<readonly OcctlEntry[] | undefined> {
  const { main } = await host.conf()
  const socket = main.last('occtl-socket-file') ?? DEFAULT_SOCKET
  const done = await runProgram('occtl', ['-s', socket, '-j', ...words])
  if (done === undefined || done.code !== 0) return undefined
  return readOcctl(done.stdout)
}

/** Its JSON is loose: tabs within texts, and commas at ends. */
export function readOcctl(printed: string): readonly OcctlEntry[] | undefined {
  const text = printed.trim()
  if (text === '') return []
  try {
    const read: unknown = JSON.parse(text.replaceAll('\t', ' ').replaceAll(/,(\s*[}\]])/g, '$1'))
    return Array.isArray(read) ? (read as OcctlEntry[]) : [read as OcctlEntry]
  } catch {
    return undefined
  }
}
