import { UNHEARD_MS } from './address-pool.ts'
import type { Session } from './session.ts'

/**
 * `granted`: the login was right and accounting has not named the session yet. `silent`: it is one of the two, and should
 * have been heard of by now; its gateway may be gone.
 */
export type SessionState = 'granted' | 'open' | 'silent' | 'ended'

/** @param now wall milliseconds. */
export function stateOf(
  { grantedAt, startedAt, stoppedAt, updatedAt, keptMs }: Session,
  now: number,
): SessionState {
  if (stoppedAt !== undefined) return 'ended'
  if (startedAt === undefined) return (grantedAt ?? updatedAt) < now - UNHEARD_MS ? 'silent' : 'granted'
  return keptMs !== undefined && updatedAt < now - keptMs ? 'silent' : 'open'
}

export interface SessionSearch {
  /** In any spelling of the user's name. */
  readonly user?: string
  readonly gateway?: string
  /** The user's own address, or the `customerNetwork` of one, for all addresses in it. */
  readonly address?: string
  /** The address within the VPN. */
  readonly ip?: string
  /** At a moment in wall milliseconds. */
  readonly standing?: { readonly state: SessionState; readonly at: number }
  /** Absent: newest. */
  readonly order?: 'newest' | 'oldest'
  /** Identifier of the last session of the page before. */
  readonly after?: string
  readonly limit: number
}

/** VPN sessions as people look through them. */
export interface SessionDesk {
  /** By the time of the login, or of the first that was heard of it. */
  search(search: SessionSearch): Promise<readonly Session[]>
  find(id: string): Promise<Session | undefined>
}
