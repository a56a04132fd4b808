import { once } from 'node:events'
import type { Response } from 'express'
import { spelledOut, spelledOutJson } from '../../domain/hidden-characters.ts'

/** How records of one kind are written into a file, one on each line. */
interface FileForm<Item> {
  readonly type: string
  readonly extension: string
  readonly head: string
  lineOf(item: Item): string
}

/** The formats that a file can have. */
export type FileForms<Item> = Readonly<Record<'ndjson' | 'csv', FileForm<Item>>>

/** @param columns of the CSV, in their order. @param wireOf a record as the API shows it. */
export function fileForms<Item>(columns: readonly string[], wireOf: (item: Item) => object): FileForms<Item> {
  return {
    ndjson: {
      type: 'application/x-ndjson',
      extension: 'ndjson',
      head: '',
      lineOf: (item) => `${spelledOutJson(JSON.stringify(wireOf(item)))}\n`,
    },
    /** RFC 4180. */
    csv: {
      type: 'text/csv',
      extension: 'csv',
      head: `${columns.join(',')}\r\n`,
      lineOf(item) {
        const cells = wireOf(item) as Readonly<Record<string, unknown>>
        return `${columns.map((column) => cell(spelledOut(String(cells[column] ?? '')))).join(',')}\r\n`
      },
    },
  }
}

/** What a formula begins with, in full width too, and what some spreadsheets skip in front of it. */
const FORMULA = '[=+\\-@＝＋－＠\\t\\r\\n]'
const AT_THE_START = new RegExp(`^${FORMULA}`)
/** Where lists are written with semicolons a spreadsheet splits by them, and by lines, whatever the quotes say. */
const AT_A_SPLIT = new RegExp(`[;\\r\\n](?="*${FORMULA})`, 'g')

/** Users choose what stands in some of these, and a spreadsheet would run what begins like a formula. */
function cell(text: string): string {
  const harmless = text.replace(AT_A_SPLIT, "$&'").replace(AT_THE_START, "'$&")
  return /[",;\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

/** Records that are read and sent at a time. */
const CHUNK = 500
/** Long enough for a connection of a few kilobytes per second. */
const CHUNK_WITHIN_MS = 30_000

/** Finds the records that follow one. @param after absent: from the first on. */
type Chunk<Item> = (after: Item | undefined, limit: number) => Promise<readonly Item[]>

export interface FileOptions<Item> {
  /** Without its extension. */
  readonly name: string
  readonly form: FileForm<Item>
  readonly chunk: Chunk<Item>
  /** Records at most. */
  readonly most: number
  /** How long a client may take to receive each chunk. */
  readonly withinMs?: number
}

/** Reads each chunk when the one before has been taken, so that nothing piles up. */
export async function* linesOfFile<Item>({
  form,
  chunk,
  most,
}: Pick<FileOptions<Item>, 'form' | 'chunk' | 'most'>): AsyncGenerator<string> {
  let items = await chunk(undefined, Math.min(CHUNK, most))
  yield form.head
  let left = most
  while (items.length > 0) {
    left -= items.length
    yield items.map(form.lineOf).join('')
    if (items.length < CHUNK || left === 0) return
    items = await chunk(items.at(-1), Math.min(CHUNK, left))
  }
}

/** Answers with a file. */
export async function sendFile<Item>(response: Response, options: FileOptions<Item>): Promise<void> {
  const { name, form, withinMs = CHUNK_WITHIN_MS } = options
  for await (const lines of linesOfFile(options)) {
    // After the first chunk was read, so that an outage is still answered as a problem.
    if (!response.headersSent) response.attachment(`${name}.${form.extension}`).type(form.type)
    if (!response.write(lines)) await drained(response, withinMs)
    if (response.closed) break
  }
  response.end()
}

async function drained(response: Response, withinMs: number): Promise<void> {
  const either = new AbortController()
  const { signal } = either
  const late = setTimeout(() => response.destroy(), withinMs)
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  clearTimeout(late)
  either.abort()
}
