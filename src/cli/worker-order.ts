import type { WorkerPart } from '../broker.ts'
import type { ConfigSource } from '../config/load.ts'
import type { Config } from '../config/shape.ts'
import type { HeldSocket } from '../transport/held-sockets.ts'
import type { OrderFor } from '../workers/supervisor.ts'

/** What a worker is told at its start, in plain JSON. */
export interface WorkerOrder {
  readonly file: string
  /** The file as the parent read it: all workers serve the same, whatever is written into it meanwhile. */
  readonly text: string
  readonly isOpenToAll: boolean
  /** From 0 on. */
  readonly number: number
  /** Its own, which no process before it had: two with one spool would lose each other's records. */
  readonly spool: string
  /** In the order of its descriptors. */
  readonly places: readonly Omit<WorkerPart['sockets'][number], 'fd'>[]
  readonly heldHttpPort?: number
}

/** What a worker says of itself when it serves. */
export interface WorkerSays {
  readonly http?: { readonly address: string; readonly port: number }
  /** Whether there are no users yet. */
  readonly isEmpty: boolean
}

/** The first descriptor after standard input, output, error and the line to the parent. */
export const FIRST_SOCKET = 4

/** What each worker is told, by a configuration that was read. */
export function ordersOf(file: string, source: ConfigSource, sockets: readonly HeldSocket[]): OrderFor {
  const places = sockets.map(({ service, address, port }) => ({ service, address, port }))
  const { isOpenToAll } = source
  // Between a process and its own children it may be seen as it is.
  return (number, spool, follows): WorkerOrder => ({
    ...{ file, text: source.text.reveal(), isOpenToAll, number, spool, places },
    heldHttpPort: (follows as WorkerSays | undefined)?.http?.port,
  })
}

const LEAST_CONNECTIONS = 2

/** The part of one worker: what the file bounds for the machine is divided, so that all together keep to it. */
export function partOfOne(config: Config): Config {
  const { radius, passwords, storage } = config
  const part = (whole: number) => Math.ceil(whole / radius.workers)
  const { postgres } = storage
  return {
    ...config,
    radius: { ...radius, maxInFlight: part(radius.maxInFlight) },
    passwords: { parallel: part(passwords.parallel), waiting: part(passwords.waiting) },
    storage: {
      ...storage,
      ...(postgres !== undefined && {
        postgres: { ...postgres, connections: Math.max(LEAST_CONNECTIONS, part(postgres.connections)) },
      }),
    },
  }
}
