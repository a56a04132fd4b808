import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { messageOf, Unavailable } from '../domain/errors.ts'
import type { ProviderAnswer } from '../domain/single-sign-on.ts'
import { PROVIDER } from './bounded-fetch.ts'

/** Errors by which the provider says that it does not know the broker by what it shows (RFC 6749 §5.2). */
const WRONG_CLIENT: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client'])

const CLIENT_REMEDY =
  'see that client_id, client_secret_file and client_authentication are as the provider has them'

/** What went wrong between broker and provider, in one line. @throws Unavailable for an outage. */
export function answerOfError(error: unknown): ProviderAnswer {
  throwIfOutage(error)
  if (error instanceof AuthorizationResponseError)
    return error.error === 'access_denied'
      ? { kind: 'cancelled' }
      : { kind: 'refused', detail: `the provider answered ${code(error.error)}` }
  if (error instanceof WWWAuthenticateChallengeError)
    return { kind: 'refused', detail: 'the provider refused the client', remedy: CLIENT_REMEDY }
  if (error instanceof ResponseBodyError) {
    const detail = `the provider answered ${code(error.error)} to the code`
    return WRONG_CLIENT.has(error.error)
      ? { kind: 'refused', detail, remedy: CLIENT_REMEDY }
      : { kind: 'refused', detail }
  }
  return { kind: 'refused', detail: detailOf(error) }
}

/** @throws Unavailable where the provider gave no answer, or one that says that it cannot. */
export function throwIfOutage(error: unknown): void {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (each instanceof Unavailable) throw each
    if (each instanceof ClientError && each.code === 'OAUTH_TIMEOUT')
      throw new Unavailable(PROVIDER, 'no answer in time', { cause: error })
    const status = statusOf(each)
    if (status !== undefined && (status >= 500 || status === 429))
      throw new Unavailable(PROVIDER, `an answer with the status ${status}`, { cause: error })
  }
}

/** The status of an answer that was not the one of the standard. */
function statusOf(error: Error): number | undefined {
  if (error instanceof ResponseBodyError) return error.status
  return error.cause instanceof Response ? error.cause.status : undefined
}

/** The library's own words, and those of the rule that failed. They quote no token. */
export function detailOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }
  const reason = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
  return `${messageOf(error)}${reason}`
}

function code(text: string): string {
  return /^[\x21-\x7e]{1,60}$/.test(text) ? text : 'an error without a code'
}
