/** A RADIUS server as the load generator sees it. */
export interface Target {
  /** Servers of one name share their records: a code that one of them took is spent for all. */
  readonly name: string
  readonly authPort: number
  readonly acctPort: number
  readonly secret: string
  /** Whether every Access reply must begin with Message-Authenticator (CVE-2024-3596). */
  readonly signsFirst: boolean
  /** Whether a code works once only; otherwise every user can log in at any time. */
  readonly spendsCodes: boolean
  /** Users that it knows, from number 0. */
  readonly users: number
}

/** What one client of the closed loop does again and again. */
export type Operation =
  /** Status-Server to the authentication port. */
  | 'status'
  /** Accounting-Request Start of a session that nobody has seen before. */
  | 'accounting'
  /** Password, Access-Challenge, code: a whole login. */
  | 'challenge'
  /** The first half of it, whose State is kept for `answer`. */
  | 'password'
  /** The second half of it, with a State that `password` left. */
  | 'answer'
  /** Password and code in one request. */
  | 'append'
  /** The code alone. */
  | 'code'
  /** The password alone. */
  | 'plain'
  /** A wrong password, which is to be rejected for whatever reason. */
  | 'reject'

/** A closed loop: `inFlight` clients, each of which sends its next request when it has its answer. */
export interface LoadOrder {
  readonly kind: 'load'
  readonly target: Target
  readonly operation: Operation
  readonly inFlight: number
  /** How long; `answer` ends earlier where no State is left. */
  readonly milliseconds: number
  /** Ends the loop after as many operations. */
  readonly atMost?: number
  /** The numbers of the users, the last one not included. */
  readonly users: { readonly from: number; readonly to: number }
}

/** An open loop from an address that is no gateway; nothing is expected back. */
export interface FloodOrder {
  readonly kind: 'flood'
  readonly target: Target
  readonly source: string
  readonly packetsPerSecond: number
  readonly milliseconds: number
}

export type Order = LoadOrder | FloodOrder

/** What came of an order. */
export interface Report {
  readonly kind: 'report'
  /** Operations that ended within the time, and how long that was. */
  readonly inTime: number
  readonly milliseconds: number
  /** Those that ended a little later too; in a flood, the packets that were sent. */
  readonly completed: number
  /** Of each part of the operation, by name: the counts of a `Latencies`. */
  readonly latencies: Readonly<Record<string, readonly number[]>>
  /** Requests that were sent again because no answer had come. */
  readonly retransmits: number
  /** Operations that did not end as they should, by what happened. */
  readonly failures: Readonly<Record<string, number>>
  /** Whether it ended early because every user's code was spent. */
  readonly outOfCodes: boolean
  /** Processor time that the generator itself took, in milliseconds. */
  readonly processor: number
}

/** The generator itself failed. */
export interface Broken {
  readonly kind: 'broken'
  readonly message: string
}
