import type { Session } from './session.ts'

/** `granted`: the login was right and accounting has not named the session yet. */
export type SessionState = 'granted' | 'open' | 'ended'

export interface SessionSearch {
  /** In any spelling of the user's name. */
  readonly user?: string
  readonly gateway?: string
  /** The user's own address. */
  readonly address?: string
  /** The address within the VPN. */
  readonly ip?: string
  readonly state?: SessionState
  /** Identifier of the last session of the page before. */
  readonly after?: string
  readonly limit: number
}

/** VPN sessions as people look through them. */
export interface SessionDesk {
  /** Newest first. */
  search(search: SessionSearch): Promise<readonly Session[]>
  find(id: string): Promise<Session | undefined>
}
