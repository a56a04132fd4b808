/** The problems by stable name: the end of the `type` URI (RFC 9457 §3.1.1) that clients may depend on. */
const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request does not match the API contract.' },
  'malformed-body': { status: 400, title: 'The body cannot be read.' },
  unauthenticated: { status: 401, title: 'A valid token or a signed-in browser is needed.' },
  'address-not-allowed': { status: 403, title: 'Requests from this address are not allowed here.' },
  'missing-scope': { status: 403, title: 'The token or the role does not cover this.' },
  forgery: { status: 403, title: 'The request does not come from a page of the broker.' },
  'not-found': { status: 404, title: 'There is nothing here.' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here.' },
  'not-acceptable': { status: 406, title: 'The answer is not available in the requested format.' },
  timeout: { status: 408, title: 'The request took too long to arrive.' },
  gone: { status: 410, title: 'This is no longer kept.' },
  conflict: { status: 409, title: 'The present state does not allow this.' },
  'already-exists': { status: 409, title: 'The name is already taken.' },
  'address-taken': { status: 409, title: 'Another user has this address.' },
  'request-in-progress': {
    status: 409,
    title: 'The first request with this Idempotency-Key is still in progress.',
  },
  'body-too-large': { status: 413, title: 'The body is too large.' },
  'unsupported-media-type': {
    status: 415,
    title: 'The body must be JSON in UTF-8, not compressed.',
  },
  misdirected: { status: 421, title: 'The broker does not answer under this host name.' },
  'wrong-code': { status: 422, title: 'The code is wrong or has expired.' },
  'key-reused': { status: 422, title: 'The Idempotency-Key was used for another request.' },
  'too-many-requests': { status: 429, title: 'Too many requests.' },
  'header-too-large': { status: 431, title: 'The header is too large.' },
  internal: { status: 500, title: 'Something went wrong in the broker.' },
  unavailable: { status: 503, title: 'Something that this needs is not available.' },
  busy: { status: 503, title: 'The broker is busy.' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>

export type ProblemName = keyof typeof PROBLEMS

export const PROBLEM_NAMES = Object.keys(PROBLEMS) as readonly ProblemName[]

const TYPE = 'urn:ocbroker:problem:'

interface ProblemDetails {
  /** One sentence on this occurrence. Never holds what the client sent. */
  readonly detail?: string
  /** The invalid parts of the request. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
  /** Seconds after which a retry may succeed: the header Retry-After. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal as an HTTP answer, thrown to the handler that writes it. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly problem: ProblemName
  readonly status: number
  readonly details: ProblemDetails

  constructor(problem: ProblemName, details: ProblemDetails = {}) {
    super(PROBLEMS[problem].title)
    this.problem = problem
    this.status = PROBLEMS[problem].status
    this.details = details
  }

  get headers(): Readonly<Record<string, string>> {
    const { retryAfter, headers = {} } = this.details
    return retryAfter === undefined ? headers : { ...headers, 'Retry-After': String(retryAfter) }
  }

  /** The members of RFC 9457 §3.1, in its order. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { detail, errors } = this.details
    return {
      type: TYPE + this.problem,
      title: this.message,
      status: this.status,
      detail,
      errors,
    }
  }
}

/** Milliseconds in the unit of the header: whole seconds, at least one. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
