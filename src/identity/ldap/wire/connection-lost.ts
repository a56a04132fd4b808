/**
 * - `unreachable`: no connection could be made, TLS included.
 * - `silent`: no answer in time.
 * - `closed`: the other side ended the connection.
 * - `malformed`: it sent something that is not a valid answer.
 * - `refused`: it refuses the broker's own account.
 * - `busy`: too many operations are waiting.
 */
export type LossKind = 'unreachable' | 'silent' | 'closed' | 'malformed' | 'refused' | 'busy'

/** A connection that has failed or could not be made. The message is the cause in a few words. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  readonly kind: LossKind

  constructor(kind: LossKind, cause: string, options?: ErrorOptions) {
    super(cause, options)
    this.kind = kind
  }
}
