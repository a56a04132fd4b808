/** A service that a login needs cannot be reached. Never the user's fault, never counted against them. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  /** What is unavailable: `storage`, `identity corp`, `password checks` … */
  readonly what: string
  /**
   * Whether a password was sent and no answer came. Such an outage counts as a failed guess: a server that is slow only
   * for wrong passwords could otherwise be guessed at for free.
   */
  readonly passwordSent: boolean

  constructor(what: string, cause: string, options: ErrorOptions & { readonly passwordSent?: boolean } = {}) {
    super(`${what}: ${cause}`, options)
    this.what = what
    this.passwordSent = options.passwordSent ?? false
  }
}

/**
 * A problem that the operator can understand and solve. The command line prints its message without a stack, and prints
 * nothing if the message is empty.
 */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError'
  /** What the command ends with. */
  readonly exitCode: number = 1
}

/** Gives an error to the operator with its own message. What is not an `Error` stays what it is. */
export function asOperatorError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OperatorError) return error
  return new OperatorError(error.message, { cause: error })
}

/** What an error says. An AggregateError of several addresses says nothing itself: its first error does. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
