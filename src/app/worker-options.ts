import type { Config } from '../config/schema.ts'
import type { SocketPlace } from '../transport/held-sockets.ts'
import type { ReadConfig } from './config-changes.ts'

/** The configuration as the parent read it: all workers serve by the same one, even if the file changes meanwhile. */
export interface ConfigText {
  readonly file: string
  readonly text: string
  readonly isOpenToAll: boolean
}

/** What a worker gets at its start, in plain JSON. */
export interface StartOptions {
  readonly text: ConfigText
  /** From 0 on. */
  readonly number: number
  /** A name that no earlier process had: two processes with one spool would lose each other's records. */
  readonly spool: string
  /** In the order of their descriptors. */
  readonly sockets: readonly SocketPlace[]
  readonly httpFd?: number
}

/** What a worker says of itself when it serves. */
export interface WorkerStatus {
  readonly http?: { readonly address: string; readonly port: number }
  /** Whether there are no users yet. */
  readonly isEmpty: boolean
}

/** The first descriptor after standard input, output, error and the channel to the parent. */
export const FIRST_SOCKET = 4

/** Between a process and its own children the text is passed as it is, secrets included. */
export function textOf(file: string, { source }: ReadConfig): ConfigText {
  return { file, text: source.text.reveal(), isOpenToAll: source.isOpenToAll }
}

const MIN_CONNECTIONS = 2

/** The part of one worker: what the file bounds for the machine is divided, so that all together keep to it. */
export function shareOfOne(config: Config): Config {
  const { radius, passwords, storage } = config
  const part = (whole: number) => Math.ceil(whole / radius.workers)
  const { postgres } = storage
  return {
    ...config,
    radius: {
      ...radius,
      maxInFlight: part(radius.maxInFlight),
      tls: radius.tls && { ...radius.tls, maxConnections: part(radius.tls.maxConnections) },
    },
    passwords: { parallel: part(passwords.parallel), waiting: part(passwords.waiting) },
    storage: {
      ...storage,
      postgres: postgres && {
        ...postgres,
        connections: Math.max(MIN_CONNECTIONS, part(postgres.connections)),
      },
    },
  }
}
