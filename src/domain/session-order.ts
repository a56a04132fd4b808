/** Why a gateway is told to end sessions, or to lift a ban. */
export type OrderReason =
  | 'operator'
  | 'disabled'
  | 'expired'
  | 'locked'
  | 'quota'
  | 'too_many_sessions'
  | 'removed'
  | 'released'

/**
 * Which sessions an order means: one by its Acct-Session-Id, all whose user name is exactly this, or all whose client's
 * own address or VPN address is this.
 */
export type OrderTarget =
  | { readonly session: string }
  | { readonly user: string }
  | { readonly address: string }

/** `absent`: the gateway has nothing that the order means. */
export type OrderOutcome = 'done' | 'absent' | 'failed'

/** What a gateway is to do, kept until it says that it is done. Times are wall milliseconds. */
export interface SessionOrder {
  readonly id: string
  /** Name of the gateway's entry in the configuration. */
  readonly gateway: string
  /** `unban`: lift the gateway's own ban of an address. */
  readonly kind: 'end' | 'unban'
  readonly target: OrderTarget
  readonly reason: OrderReason
  /** Who or what ordered it: an operator's account, a token's name, a part of the broker. */
  readonly by: string
  readonly at: number
  /** User-Name of the session, where it is known: for people. */
  readonly user?: string
  /** How often it was sent. */
  readonly tries: number
  /** Absent: it is open. */
  readonly doneAt?: number
  readonly outcome?: OrderOutcome
  /** For people: what happened, or what the operator wrote. One line. */
  readonly detail?: string
}

/** What an order follows from. */
export type OrderCause = Pick<SessionOrder, 'reason' | 'by' | 'at' | 'detail'>

export type NewOrder = Omit<SessionOrder, 'tries' | 'doneAt' | 'outcome'>

/** What a gateway did about an order. */
export interface OrderResult {
  readonly id: string
  readonly outcome: OrderOutcome
  readonly detail?: string
}

export interface OrderSearch {
  readonly gateway?: string
  readonly ids?: readonly string[]
  /** Texts of `OrderTarget`, whatever they stand for. */
  readonly targets?: readonly string[]
  /** Identifier of the last order of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Every method may throw `Unavailable`. */
export interface OrderStore {
  /**
   * Writes orders in one transaction. One that is open already for the same gateway, kind and target is not written
   * twice.
   * @returns the identifier of each one's open order.
   */
  write(orders: readonly NewOrder[]): Promise<readonly string[]>
  /** The open orders of a gateway, the oldest first. */
  open(gateway: string, limit: number): Promise<readonly SessionOrder[]>
  /** Newest first. */
  list(search: OrderSearch): Promise<readonly SessionOrder[]>
  /** Counts that the orders were sent. */
  noteSent(ids: readonly string[]): Promise<void>
  /**
   * Closes open orders of this gateway, and writes an audit event for each; others are left as they are. An order stays
   * open, though what it means is absent, while a login of it may yet become a tunnel.
   * @param by who says so. @returns those that were closed.
   */
  close(
    gateway: string,
    results: readonly OrderResult[],
    by: string,
    at: number,
  ): Promise<readonly SessionOrder[]>
  /**
   * Takes the oldest open order of a gateway to end sessions that no other broker has taken, until `until`, and counts that it is sent.
   * @returns undefined if there is none.
   */
  claim(gateway: string, now: number, until: number): Promise<SessionOrder | undefined>
  /** Closes orders that were written before this moment as failed. @returns at most `limit` that were closed. */
  giveUp(before: number, at: number, limit: number): Promise<readonly SessionOrder[]>
}
