import { Unavailable } from '../domain/errors.ts'
import { Problem, type ProblemName } from './problem.ts'

/** Errors of the body parser by their `type`. Their messages quote the body and are not passed on. */
const OF_BODIES: Readonly<Record<string, ProblemName>> = {
  'entity.parse.failed': 'malformed-body',
  'entity.verify.failed': 'malformed-body',
  'entity.too.large': 'body-too-large',
  'parameters.too.many': 'body-too-large',
  'querystring.parse.rangeError': 'malformed-body',
  'request.aborted': 'malformed-body',
  'request.size.invalid': 'malformed-body',
  'stream.encoding.set': 'internal',
  'encoding.unsupported': 'unsupported-media-type',
  'charset.unsupported': 'unsupported-media-type',
}

const OF_STATUS: Readonly<Record<number, ProblemName>> = {
  400: 'invalid-request',
  404: 'not-found',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  413: 'body-too-large',
  415: 'unsupported-media-type',
}

interface Finding {
  readonly path?: unknown
  readonly message?: unknown
}

/** @returns the problem for a known error; undefined for a fault of the broker. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof Unavailable)
    return new Problem('unavailable', { detail: `Not available: ${error.what}.`, retryAfter: 1 })
  if (typeof error !== 'object' || error === null) return undefined
  const { type, status, errors } = error as Readonly<Record<string, unknown>>
  const ofBody = typeof type === 'string' ? OF_BODIES[type] : undefined
  if (ofBody !== undefined) return new Problem(ofBody)
  const ofStatus = typeof status === 'number' ? OF_STATUS[status] : undefined
  if (ofStatus === undefined) return undefined
  return new Problem(ofStatus, Array.isArray(errors) ? { errors: errors.slice(0, 20).map(findingOf) } : {})
}

/** The validator's message names the part of the request and the rule, never the value. */
function findingOf({ path, message }: Finding): { path: string; message: string } {
  return { path: String(path).slice(0, 200), message: String(message).slice(0, 200) }
}
