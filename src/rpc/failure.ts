import { Unavailable } from '../domain/errors.ts'

/** An error as it crosses: an object of a class cannot be sent to another thread or process. */
export type Failure =
  | { readonly kind: 'unavailable'; readonly what: string; readonly cause: string }
  | { readonly kind: 'error'; readonly message: string; readonly stack?: string }

export function failureOf(error: unknown): Failure {
  if (error instanceof Unavailable)
    return { kind: 'unavailable', what: error.what, cause: error.message.slice(`${error.what}: `.length) }
  if (!(error instanceof Error)) return { kind: 'error', message: String(error) }
  return { kind: 'error', message: error.message, stack: error.stack }
}

export function toError(failure: Failure): Error {
  if (failure.kind === 'unavailable') return new Unavailable(failure.what, failure.cause)
  const error = new Error(failure.message)
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}
