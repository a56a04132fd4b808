import type { TrailPosition } from './audit.ts'

/** How far a sink has been sent the audit trail. */
export interface SinkState {
  readonly name: string
  /** Everything up to here has been delivered. */
  readonly position: TrailPosition
  /** Events that reached the end of their retention before they could be delivered. */
  readonly dropped: number
  /** Wall milliseconds of the last delivery; absent: none yet. */
  readonly deliveredAt?: number
  /** Since when nothing can be delivered, in wall milliseconds; absent: nothing is wrong. */
  readonly failingSince?: number
  /** Why, in one line. */
  readonly fault?: string
}

/** What waits for a sink. */
export interface Waiting {
  /** Counted up to `WAITING_AT_MOST`. */
  readonly events: number
  /** Wall milliseconds of the first of them; absent: there is none. */
  readonly since?: number
}

/** Events that wait are counted up to this number: more are said to be more. */
export const WAITING_AT_MOST = 100_000

/** A turn of one process at a sink. */
export interface SinkTurn {
  readonly name: string
  /** Of the process. */
  readonly holder: string
  readonly now: number
  /** Wall milliseconds until which no other broker takes the turn. */
  readonly until: number
}

/** The sinks, each with one cursor that all brokers share: one of them delivers at a time. */
export interface SinkStore {
  list(): Promise<readonly SinkState[]>
  /** A sink that is new begins at the end of the trail. @returns undefined while another broker has the turn. */
  take(turn: SinkTurn): Promise<SinkState | undefined>
  /** Notes what was delivered and prolongs the turn. @returns whether it was still this process's turn. */
  advance(turn: SinkTurn, position: TrailPosition): Promise<boolean>
  /** Notes why nothing could be delivered, and prolongs the turn. */
  fail(turn: SinkTurn, fault: string): Promise<void>
  /** Leaves the turns to other brokers. */
  release(holder: string): Promise<void>
  waiting(position: TrailPosition): Promise<Waiting>
}
