/** By what attempts are grouped. */
export const TALLY_KEYS = ['network', 'address', 'user', 'gateway', 'hour'] as const

export type TallyKey = (typeof TALLY_KEYS)[number]

export interface TallySearch {
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
  readonly by: TallyKey
  /** Canonical username. */
  readonly user?: string
  /** Or a network, as `parseSearchedPlace` has it. */
  readonly address?: string
  readonly gateway?: string
  /** At this moment or later, and before that; wall milliseconds. */
  readonly since: number
  readonly before: number
  /** Groups, those with the most attempts first; hours are in order, the newest first. */
  readonly limit: number
}

/** What came of the attempts of one group. */
export interface AttemptTally {
  /** A network (the /24 or /64), an address, a username, a gateway; of an hour its start in wall milliseconds. */
  readonly key: string
  readonly accepted: number
  /** Refused for another reason than a lockout. */
  readonly refused: number
  /** Refused while locked out. */
  readonly locked: number
  /** Different ones. */
  readonly addresses: number
  readonly users: number
  /** Of the first and the last attempt, in wall milliseconds. */
  readonly first: number
  readonly last: number
}

/** The refusals of one network within one hour. */
export interface NetworkHour {
  readonly network: string
  /** The hour's start, in wall milliseconds. */
  readonly hour: number
  readonly accepted: number
  readonly failed: number
  readonly first: number
  readonly last: number
}

export interface AttemptStore {
  tally(search: TallySearch): Promise<readonly AttemptTally[]>
  /** Networks with at least so many refusals in an hour, hour by hour. */
  failingNetworks(since: number, before: number, least: number): Promise<readonly NetworkHour[]>
  /** Users who were let in from a network, those who came first; each once. */
  letInFrom(network: string, since: number, before: number, limit: number): Promise<readonly string[]>
}
