/**
 * - `unreachable`: no connection came about, TLS included.
 * - `silent`: no answer in time.
 * - `closed`: the other side ended the connection.
 * - `malformed`: it sent what is no answer.
 * - `refused`: it refuses the broker itself, whoever the user is.
 * - `busy`: too many wait already.
 */
export type LossKind = 'unreachable' | 'silent' | 'closed' | 'malformed' | 'refused' | 'busy'

/** A connection that is of no use any more, or that never came about. The message is a cause in a few words. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  readonly kind: LossKind

  constructor(kind: LossKind, cause: string, options?: ErrorOptions) {
    super(cause, options)
    this.kind = kind
  }
}
