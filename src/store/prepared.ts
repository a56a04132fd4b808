import type { Compilable, CompiledQuery, DialectAdapter, Kysely, QueryResult } from 'kysely'
import type { Tables } from './schema.ts'

/** Stands in a compiled query where each run has a value of its own. */
class Blank<Values> {
  readonly name: keyof Values

  constructor(name: keyof Values) {
    this.name = name
  }
}

/** The place of one of the values. */
export type Place<Values> = <Name extends keyof Values>(name: Name) => Values[Name]

/**
 * A query that is built and compiled once and then run with other values. Building costs several times what SQLite
 * takes to run it, so the queries of every login are prepared; for the others it does not matter.
 */
export function prepared<Values extends object, Row>(
  build: (db: Kysely<Tables>, value: Place<Values>) => Compilable<Row>,
): (db: Kysely<Tables>, values: Values) => Promise<QueryResult<Row>> {
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
  const place: Place<Values> = (name) => new Blank<Values>(name) as never
  return (db, values) => {
    // Shared by a database and its transactions, and different in another dialect, whose SQL is another.
    const { adapter } = db.getExecutor()
    const query = compiled.get(adapter) ?? named(build(db, place).compile())
    compiled.set(adapter, query)
    return db.executeQuery({
      ...query,
      parameters: query.parameters.map((value) =>
        value instanceof Blank ? values[value.name as keyof Values] : value,
      ),
    })
  }
}

/** The places of several values, by name. */
export function placesOf<Values, Name extends keyof Values>(
  value: Place<Values>,
  names: readonly Name[],
): Pick<Values, Name> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Pick<Values, Name>
}

/** By text: the queries that come again and again, so that a server which keeps their plans keeps few. */
const names = new Map<string, string>()

function named<Row>(query: CompiledQuery<Row>): CompiledQuery<Row> {
  if (!names.has(query.sql)) names.set(query.sql, `prepared_${names.size + 1}`)
  return query
}

/** @returns the name of a query that is prepared, the same for as long as the process lives; none for any other. */
export function nameOfPrepared(text: string): string | undefined {
  return names.get(text)
}
