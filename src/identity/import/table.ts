import { linesIn, type Place } from './file-lines.ts'

/** A line of a table, by its columns. Empty fields are left out. */
export interface Row<Column extends string> extends Place {
  /** How many fields the line has. */
  readonly width: number
  readonly fields: { readonly [At in Column]?: string }
}

export interface Table<Column extends string> {
  /** The line that names the columns; undefined where there is none. */
  readonly head?: Pick<Place, 'line'> & {
    readonly columns: readonly (Column | undefined)[]
    /** The names of columns that are not read. */
    readonly others: readonly string[]
  }
  readonly rows: readonly Row<Column>[]
}

export interface Columns<Column extends string> {
  /** What programs write at the head of a column, in lower case. A column of another name is not read. */
  readonly heads: ReadonlyMap<string, Column>
  /** The columns of a table without a head. */
  readonly usual: readonly Column[]
}

/**
 * Reads lines of fields with commas, semicolons or tabs between them (RFC 4180 with its quotes, or single ones). The
 * first line may name the columns.
 */
export function tableIn<Column extends string>(
  text: string,
  { heads, usual }: Columns<Column>,
): Table<Column> {
  const [first, ...rest] = linesIn(text)
  if (first === undefined) return { rows: [] }
  const titles = fieldsOf(first.content)
  const named = titles.map((title) => heads.get(title.toLowerCase()))
  const hasHead = named.some((column) => column !== undefined)
  const columns = hasHead ? named : usual
  const rows = (hasHead ? rest : [first, ...rest]).map(({ line, content }) => {
    const fields = fieldsOf(content)
    return { line, width: fields.length, fields: rowOf(fields, columns) }
  })
  const others = titles.filter((title, index) => title !== '' && named[index] === undefined)
  return hasHead ? { head: { line: first.line, columns, others }, rows } : { rows }
}

function rowOf<Column extends string>(
  fields: readonly string[],
  columns: readonly (Column | undefined)[],
): Row<Column>['fields'] {
  const row: { [At in Column]?: string } = {}
  for (const [index, column] of columns.entries()) {
    const field = fields[index] ?? ''
    if (column !== undefined && field !== '') row[column] = field
  }
  return row
}

/** Without the blanks and the quotes around them. */
function fieldsOf(content: string): string[] {
  const separator = separatorOf(content)
  const field = new RegExp(
    String.raw`\s*(?:"((?:[^"]|"")*)"|'([^']*)'|((?!\s*["'])[^${separator}]*?))\s*(?:${separator}|$)`,
    'y',
  )
  const fields: string[] = []
  while (field.lastIndex < content.length || fields.length === 0) {
    const match = field.exec(content)
    if (match === null) return content.split(separator).map(unquoted)
    const [, double, single, plain = ''] = match
    fields.push((double?.replaceAll('""', '"') ?? single ?? plain).trim())
  }
  return fields
}

/** Of a field with more quotes inside, which some programs do not double. */
function unquoted(field: string): string {
  return field
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2')
    .trim()
}

/** The first one that occurs outside of quotes. */
function separatorOf(content: string): string {
  return /[,;\t]/.exec(content.replaceAll(/"(?:[^"]|"")*"|'[^']*'/g, ''))?.[0] ?? ','
}
