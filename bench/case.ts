import type { TemporaryFolder } from '../test/real/folder.ts'
import { findProgram } from '../test/real/programs.ts'
import { configurationOf, startBroker } from './broker-server.ts'
import type { Operation } from './commands.ts'
import { type Filling, fillStore } from './fill.ts'
import { type FreeradiusOptions, startFreeradius } from './freeradius-server.ts'
import type { CodeMode, Server } from './server.ts'

/** Somebody who runs in a case. The first of a case is the broker; the others are what it is compared with. */
export interface Subject {
  readonly name: string
  readonly start: () => Promise<Server>
}

/** One way to run a case; most have a single one. */
export interface Variant {
  readonly label: string
  /** In place of the case's own number of clients. */
  readonly inFlight?: number
  /** Packets per second from an address that is no gateway, beside the load. */
  readonly flood?: number
  /** Begins something else beside the load. @returns how to end it, and lines to report. */
  readonly beside?: () => Promise<() => Promise<string>>
}

export interface Case {
  readonly name: string
  readonly about: string
  readonly operation: Operation
  /** Clients of the closed loop. */
  readonly inFlight: number
  /** Of a round, at least: where it takes longer to see what is looked for. */
  readonly seconds?: number
  /** Operations of a round, at most; absent: as many as its time allows. */
  readonly atMost?: number
  /** Parts of the operation whose latencies are shown; the first stands for the whole. */
  readonly parts: readonly [string, ...string[]]
  /** Challenges that are collected before each round, for a second of its length. */
  readonly challengesPerSecond?: number
  /** What is still missing on this machine, in words; absent: nothing can be. */
  readonly missing?: () => string | undefined
  readonly prepare: (around: Context) => Promise<Prepared>
}

/** Something that is looked at once, without baselines. */
export interface Examination {
  readonly name: string
  readonly about: string
  /** What is still missing on this machine, in words; absent: nothing can be. */
  readonly missing?: () => string | undefined
  /** @returns lines to print. */
  readonly run: (around: Context) => Promise<readonly string[]>
}

/** Who runs, and how. */
export interface Prepared {
  readonly subjects: readonly [Subject, ...Subject[]]
  readonly variants: readonly [Variant, ...Variant[]]
}

export interface Context {
  /** A folder whose store holds users; made once for each name. */
  readonly store: (name: string, filling: Filling) => Promise<TemporaryFolder>
  /** An empty folder that is removed at the end. */
  readonly folder: (purpose: string) => TemporaryFolder
  /** Ended when the case is over, the last one first. */
  readonly defer: (end: () => Promise<void>) => void
  readonly users: number
  /** How many of something there are, of so many in a whole run: fewer in a brief one. */
  readonly size: (whole: number) => number
  /** How long a password check of the broker takes, which those of a fair baseline take too, in milliseconds. */
  readonly passwordCheckMs: number
  readonly profiles?: string
  /** Absent: FreeRADIUS is not installed, or was not asked for. */
  readonly freeradius?: string
  /** Whether others than the broker run too. */
  readonly compares: boolean
  readonly progress: (line: string) => void
}

export const PLAIN: Prepared['variants'] = [{ label: '' }]

/** The broker on the store with local users. */
export async function localBroker(around: Context, mode: CodeMode): Promise<Subject> {
  const { users, profiles } = around
  const folder = await around.store('local', { from: 0, to: users, local: true })
  return { name: 'ocbroker', start: () => startBroker({ folder, mode, users, profiles }) }
}

/** FreeRADIUS where it is there. */
export function baseline(
  { freeradius, users }: Pick<Context, 'freeradius' | 'users'>,
  options: Partial<FreeradiusOptions> & Pick<FreeradiusOptions, 'mode'>,
  distinction?: string,
): readonly Subject[] {
  if (freeradius === undefined) return []
  const name = `FreeRADIUS ${freeradius}${distinction === undefined ? '' : `, ${distinction}`}`
  const start = () => startFreeradius({ passwords: 'clear text', accounting: 'detail', users, ...options })
  return [{ name, start }]
}

/** Makes a folder and fills the store in it. */
export async function filledStore(folder: TemporaryFolder, filling: Filling): Promise<TemporaryFolder> {
  await fillStore(await configurationOf({ folder }), filling)
  return folder
}

/** @param packages of Debian that have the programs. @returns the programs that are not installed, in words. */
export function missingPrograms(programs: readonly string[], packages: string): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  return missing.length === 0 ? undefined : `${missing.join(', ')} (Debian: ${packages})`
}
