import type { Compilable, CompiledQuery, DialectAdapter, Kysely, QueryResult } from 'kysely'
import type { Tables } from './schema.ts'

/** Stands in a compiled query for a value that each run supplies. */
class Placeholder<Values> {
  readonly name: keyof Values

  constructor(name: keyof Values) {
    this.name = name
  }
}

/** The placeholder of one of the values. */
export type Param<Values> = <Name extends keyof Values>(name: Name) => Values[Name]

/** An adapter of a database in this thread, whose statements need no way through the query builder's executor. */
export interface ImmediateAdapter extends DialectAdapter {
  runNow<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row>
  transactNow<Value>(work: () => Promise<Value>): Promise<Value>
}

/** A query's rows, at once or later. Always await it: that costs nothing for a value. */
export type Rows<Row> = QueryResult<Row> | Promise<QueryResult<Row>>

/**
 * A query that is built and compiled once and then run with other values. Building costs several times what SQLite
 * takes to run it, so the queries of every login are prepared; for the others it does not matter.
 */
export function prepared<Values extends object, Row>(
  build: (db: Kysely<Tables>, value: Param<Values>) => Compilable<Row>,
): (db: Kysely<Tables>, values: Values) => Rows<Row> {
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
  const placeholder: Param<Values> = (name) => new Placeholder<Values>(name) as never
  return (db, values) => {
    // A database and its transactions share their adapter; another dialect has other SQL.
    const { adapter } = db.getExecutor()
    let query = compiled.get(adapter)
    if (query === undefined) {
      query = named(build(db, placeholder).compile())
      compiled.set(adapter, query)
    }
    const parameters = query.parameters.map((value) =>
      value instanceof Placeholder ? values[value.name as keyof Values] : value,
    )
    return isImmediate(adapter)
      ? adapter.runNow<Row>(query.sql, parameters)
      : db.executeQuery({ ...query, parameters })
  }
}

/** Runs a transaction, by the shortest way that the database has. */
export function transact<Value>(
  db: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Value>,
): Promise<Value> {
  const { adapter } = db.getExecutor()
  return isImmediate(adapter) ? adapter.transactNow(() => work(db)) : db.transaction().execute(work)
}

/** Whether several transactions change rows at the same time. */
export function locksRows(db: Kysely<Tables>): boolean {
  return !isImmediate(db.getExecutor().adapter)
}

function isImmediate(adapter: DialectAdapter): adapter is ImmediateAdapter {
  return 'runNow' in adapter
}

/** The placeholders of several values, by name. */
export function paramsOf<Values, Name extends keyof Values>(
  value: Param<Values>,
  names: readonly Name[],
): Pick<Values, Name> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Pick<Values, Name>
}

/** By SQL: the prepared queries, which a server keeps plans of. */
const names = new Map<string, string>()

function named<Row>(query: CompiledQuery<Row>): CompiledQuery<Row> {
  if (!names.has(query.sql)) names.set(query.sql, `prepared_${names.size + 1}`)
  return query
}

/** @returns the name of a prepared query, the same for as long as the process lives; undefined for any other query. */
export function nameOfPrepared(text: string): string | undefined {
  return names.get(text)
}
