type NullsToUndefined<Row> = {
  [Key in keyof Row as null extends Row[Key] ? never : Key]: Row[Key]
} & {
  [Key in keyof Row as null extends Row[Key] ? Key : never]?: Exclude<Row[Key], null>
}

/** Leaves out the members that are null: the domain has no null. */
export function nullsToUndefined<Row extends object>(row: Row): NullsToUndefined<Row> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as NullsToUndefined<Row>
}
