import type { Target } from './commands.ts'
import type { Load, LoadOfAll } from './generators.ts'

/** What was started for one case to answer it: one RADIUS server, or several that share the load. */
export interface Server {
  /** What they cost is theirs and that of the processes that they started. */
  readonly pids: readonly number[]
  /** The generators are divided among them. */
  readonly targets: readonly [Target, ...Target[]]
  /** Present where it makes its own load in place of the generators'. */
  load?(order: Pick<LoadOfAll, 'inFlight' | 'milliseconds'>): Promise<Load>
  stop(): Promise<void>
}

/** What each server and the load agree on. */
export const SHARED_SECRET = 'the shared secret of the bench'

/** What an Access-Accept gives: two routes, two name servers, a group and two times, the same by every server. */
export const GRANTED = {
  routes: ['10.0.0.0/8', '172.16.0.0/12'],
  dns: ['10.0.0.53', '10.0.0.54'],
  group: 'staff',
  sessionTimeout: 43_200,
  interim: 300,
} as const

/** Where the code is typed; `none`: there is none. */
export type CodeMode = 'challenge' | 'append' | 'only' | 'none'
