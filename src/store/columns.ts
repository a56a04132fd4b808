/** The columns of type `Value` that are null where an optional member is absent, and never for another member. */
type ColumnFor<Value, Row> = {
  [Column in keyof Row]: [Exclude<Row[Column], null>, null extends Row[Column] ? 1 : 0] extends [
    Exclude<Value, undefined>,
    undefined extends Value ? 1 : 0,
  ]
    ? Column
    : never
}[keyof Row]

type ColumnsOf<Kept, Row> = { readonly [Member in keyof Kept]-?: ColumnFor<Kept[Member], Row> }

/** One list of columns for both ways: what the domain calls absent is null in a row. */
interface Mapping<Kept, Row> {
  toRow(kept: Kept): Row
  fromRow(row: Row): Kept
}

/** @returns a mapping by the column of each member: `mappingOf<Session, SessionRow>()({ user: 'user_name', … })`. */
export function mappingOf<Kept extends object, Row extends object>() {
  return <const Columns extends ColumnsOf<Kept, Row>>(
    columns: Columns,
  ): Mapping<Kept, Pick<Row, Columns[keyof Kept] & keyof Row>> => {
    const pairs = Object.entries<string>(columns as Readonly<Record<string, string>>)
    return {
      toRow(kept) {
        const row: Record<string, unknown> = {}
        for (const [member, column] of pairs) row[column] = kept[member as keyof Kept] ?? null
        return row as Pick<Row, Columns[keyof Kept] & keyof Row>
      },
      fromRow(row) {
        const kept: Record<string, unknown> = {}
        for (const [member, column] of pairs) {
          const value = row[column as keyof typeof row]
          if (value !== null) kept[member] = value
        }
        return kept as Kept
      },
    }
  }
}
