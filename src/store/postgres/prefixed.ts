/** The columns of several rows as the values of one statement: `session.id`, `event.id`. */
export type Prefixed<Prefix extends string, Row> = {
  readonly [Column in keyof Row & string as `${Prefix}.${Column}`]: Row[Column]
}

export function prefixed(prefix: string, row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [`${prefix}.${column}`, value]))
}
