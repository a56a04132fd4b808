import { DatabaseError } from 'pg'
import { messageOf, Unavailable } from '../../domain/errors.ts'
import { UniqueViolation } from '../unique-violation.ts'

/** The connection is of no more use: it is gone, or leads to a server that cannot write or is about to end. */
export class Lost extends Unavailable {}

/** PostgreSQL is connected and does not answer: the next query would only wait as long. */
export class Hung extends Lost {}

/** What came in between is over, and the whole of the call can be tried again at once. */
export class TryAgain extends Unavailable {}

/** A newer broker has changed the tables since this connection prepared the statement. */
export class StalePlan extends TryAgain {}

/** Classes of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) that tell of a mistake of ours. */
const MISTAKES: ReadonlySet<string> = new Set([
  '22', // data exception
  '23', // integrity constraint violation
  '42', // syntax error or access rule violation
])
/** Classes that tell of the connection and the server. */
const LOSSES: ReadonlySet<string> = new Set([
  '08', // connection exception
  '25', // invalid transaction state, such as one that may only read
  '57', // operator intervention
  '58', // system error
  'XX', // internal error
])

const UNIQUE_VIOLATION = '23505'
const MAY_NOT = '42501'
const TOOK_TOO_LONG = '57014'
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK = '40P01'
const FEATURE_NOT_SUPPORTED = '0A000'

/** What a failed statement means to the records: a duplicate, an outage, or the error as it is. */
export function mapDriverError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Unavailable || isSlipOfCode(error)) return error
  if (!(error instanceof DatabaseError)) {
    return new Lost('storage', `PostgreSQL: ${wordsOf(error)}`, { cause: error })
  }
  const { code = '', severity, message } = error
  if (code === UNIQUE_VIOLATION) return new UniqueViolation(message, { cause: error })
  const Meaning = meaningOf(code, severity, message)
  return Meaning === undefined
    ? error
    : new Meaning('storage', `PostgreSQL: ${message} (${code})`, { cause: error })
}

function meaningOf(
  code: string,
  severity: string | undefined,
  message: string,
): typeof Unavailable | undefined {
  if (code === TOOK_TOO_LONG || code === MAY_NOT) return Unavailable
  if (code === SERIALIZATION_FAILURE || code === DEADLOCK) return TryAgain
  if (code === FEATURE_NOT_SUPPORTED && message.includes('cached plan')) return StalePlan
  const group = code.slice(0, 2)
  if (severity === 'FATAL' || LOSSES.has(group)) return Lost
  return MISTAKES.has(group) ? undefined : Unavailable
}

function isSlipOfCode(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

/** An error of several addresses that all failed has no message of its own. */
function wordsOf(error: Error): string {
  if (error.message !== '') return error.message
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return causes.map(messageOf).join('; ')
}
