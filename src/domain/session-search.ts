import type { Session } from './session.ts'

/** `granted`: the login was right and accounting has not named the session yet. */
export type SessionState = 'granted' | 'open' | 'ended'

export interface SessionSearch {
  /** In any spelling of the user's name. */
  readonly user?: string
  readonly gateway?: string
  /** The user's own address, or the `customerNetwork` of one, for all addresses in it. */
  readonly address?: string
  /** The address within the VPN. */
  readonly ip?: string
  readonly state?: SessionState
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
