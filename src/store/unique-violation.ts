/** A unique index refused a row; every driver throws this one, whatever its database calls it. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation'
}
