/** A unique index refused a row. Every driver throws this error. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation'
}
