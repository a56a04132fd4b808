import { createHash } from 'node:crypto'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { messageOf } from '../domain/errors.ts'
import type { AnyTables, Tables } from './schema.ts'
import { TABLES } from './tables.ts'

/** A database to copy from or into. */
export interface CopyEnd {
  /** What it is called in messages. */
  readonly name: string
  readonly db: Kysely<Tables>
  /** Keeps others from writing until the transaction ends. */
  keepOthersOut(transaction: Kysely<Tables>): Promise<void>
  /** What the database needs after many writes. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface CopyOptions {
  /** Whether what the target holds is given up. */
  readonly replace: boolean
  /** Rows of all tables that were written, of those there are. */
  onCopied(rows: number, all: number): void
  /** Rows of all tables that were read back and summed up, of those there are. */
  onCompared(rows: number, all: number): void
}

/** The copy of one table. */
export interface CopiedTable {
  readonly table: string
  readonly rows: number
  /** Hex SHA-256 over all rows in the order of their keys: the same on both sides. */
  readonly digest: string
}

/** The copy cannot be made; nothing has changed. */
export class CannotCopy extends Error {
  override readonly name = 'CannotCopy'
}

type Row = Readonly<Record<string, unknown>>

/** Rows in one statement: 20 columns of each stay below the 32,766 values that SQLite takes. */
const PAGE = 500

/**
 * Copies every record as it was at one moment, reads it back, and compares. The target gets all of it in one
 * transaction or none; the source is only read.
 * @throws CannotCopy
 */
export function copyRecords(
  source: CopyEnd,
  target: CopyEnd,
  options: CopyOptions,
): Promise<readonly CopiedTable[]> {
  const snapshot = source.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
  return snapshot.execute((from) =>
    target.db.transaction().execute(async (to) => {
      await target.keepOthersOut(to)
      await (options.replace ? emptyAll(to) : requireEmpty(target.name, to))
      const all = await countAll(from)
      const copied: CopiedTable[] = []
      const noteCopied = runningSum((rows) => options.onCopied(rows, all))
      for (const table of Object.keys(TABLES)) copied.push(await copyTable(table, from, to, noteCopied))
      const noteCompared = runningSum((rows) => options.onCompared(rows, all))
      for (const { table, rows, digest } of copied) {
        const there = await sumUp(table, to, noteCompared)
        if (there.rows === rows && there.digest === digest) continue
        throw new CannotCopy(
          `${table} in ${target.name} is not what was read from ${source.name}: ${there.rows} of ${rows} rows, digest ${there.digest} in place of ${digest}. Nothing was kept`,
        )
      }
      return copied
    }),
  )
}

/** Adds up the numbers that it is called with. */
function runningSum(onSum: (sum: number) => void): (more: number) => void {
  let sum = 0
  return (more) => {
    sum += more
    onSum(sum)
  }
}

async function countAll(db: Kysely<Tables>): Promise<number> {
  let all = 0
  for (const table of Object.keys(TABLES)) {
    const rows = (db as unknown as AnyTables).selectFrom(table).select((is) => is.fn.countAll().as('rows'))
    all += Number((await rows.executeTakeFirstOrThrow()).rows)
  }
  return all
}

async function requireEmpty(name: string, db: Kysely<Tables>): Promise<void> {
  for (const table of Object.keys(TABLES)) {
    const row = await (db as unknown as AnyTables).selectFrom(table).selectAll().limit(1).executeTakeFirst()
    if (row !== undefined) {
      throw new CannotCopy(
        `${name} is not empty (there is something in ${table}). Nothing was changed: name an empty database, or add --replace to give up what is there`,
      )
    }
  }
}

/** Those that refer to others first. */
async function emptyAll(db: Kysely<Tables>): Promise<void> {
  for (const table of Object.keys(TABLES).reverse()) {
    await (db as unknown as AnyTables).deleteFrom(table).execute()
  }
}

async function copyTable(
  table: string,
  from: Kysely<Tables>,
  to: Kysely<Tables>,
  onRows: (more: number) => void,
): Promise<CopiedTable> {
  return sumUp(table, from, onRows, async (page) => {
    try {
      await (to as unknown as AnyTables)
        .insertInto(table)
        .values([...page])
        .execute()
    } catch (error) {
      const why = messageOf(error)
      throw new CannotCopy(`a row of ${table} cannot be written: ${why}. Nothing was kept`, { cause: error })
    }
  })
}

/** Counts a table's rows and sums up their content, the same whatever order a database gives the columns in. */
async function sumUp(
  table: string,
  db: Kysely<Tables>,
  onRows: (more: number) => void,
  onPage?: (page: readonly Row[]) => Promise<void>,
): Promise<CopiedTable> {
  const hash = createHash('sha256')
  let rows = 0
  for await (const page of pagesOf(table, db)) {
    await onPage?.(page)
    for (const row of page) {
      const columns = Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1))
      hash.update(`${JSON.stringify(columns)}\n`)
    }
    rows += page.length
    onRows(page.length)
  }
  return { table, rows, digest: hash.digest('hex') }
}

/** All rows in the order of their keys. */
async function* pagesOf(table: string, db: Kysely<Tables>): AsyncGenerator<readonly Row[]> {
  const keys = TABLES[table as keyof Tables]
  const some = (db as unknown as AnyTables).selectFrom(table).selectAll().limit(PAGE)
  const all = keys.reduce((sorted, key) => sorted.orderBy(key), some)
  let last: Row | undefined
  for (;;) {
    const page: readonly Row[] = await (last === undefined ? all : all.where(isAfter(keys, last))).execute()
    if (page.length > 0) yield page
    if (page.length < PAGE) return
    last = page.at(-1)
  }
}

function isAfter(keys: readonly string[], last: Row): RawBuilder<boolean> {
  const columns = sql.join(keys.map((key) => sql.ref(key)))
  return sql<boolean>`(${columns}) > (${sql.join(keys.map((key) => last[key]))})`
}
