import { Unavailable } from '../../domain/errors.ts'
import { UniqueViolation } from '../unique-violation.ts'

/** Primary result codes (https://www.sqlite.org/rescode.html) that tell of a mistake of ours, not of the file. */
const MISTAKES: ReadonlySet<number> = new Set([
  1, // SQLITE_ERROR
  19, // SQLITE_CONSTRAINT
  20, // SQLITE_MISMATCH
  21, // SQLITE_MISUSE
  25, // SQLITE_RANGE
])
const UNIQUE: ReadonlySet<number> = new Set([
  1555, // SQLITE_CONSTRAINT_PRIMARYKEY
  2067, // SQLITE_CONSTRAINT_UNIQUE
])

/** @returns SQLite's primary result code behind an error, or undefined where SQLite has nothing to do with it. */
export function resultCode(error: unknown): number | undefined {
  const extended = extendedCode(error) ?? (error instanceof Error ? extendedCode(error.cause) : undefined)
  return extended === undefined ? undefined : extended & 0xff
}

/** What a failed statement means to the records: a duplicate, an outage, or the error as it is. */
export function mapDriverError(error: unknown): unknown {
  const extended = extendedCode(error)
  if (extended === undefined || !(error instanceof Error)) return error
  if (UNIQUE.has(extended)) return new UniqueViolation(error.message, { cause: error })
  return MISTAKES.has(extended & 0xff) ? error : new Unavailable('storage', error.message, { cause: error })
}

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}
