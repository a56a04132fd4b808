import type { ListedUser, UserList } from '../../domain/listed-user.ts'
import { isLocale, LOCALES, type Locale } from '../../domain/locale.ts'
import { isMailAddress } from '../../domain/mail-address.ts'
import { BadLine, nameIn, readEach, visible } from './file-lines.ts'
import { type Row, tableIn } from './table.ts'

const COLUMNS = ['name', 'groups', 'mail', 'ipv4', 'ipv6', 'expires', 'language', 'enabled'] as const

type Column = (typeof COLUMNS)[number]

/** What programs write at the head of a column. */
const HEADS: ReadonlyMap<string, Column> = new Map([
  ...COLUMNS.map((column) => [column, column] as const),
  ['user', 'name'],
  ['username', 'name'],
  ['login', 'name'],
  ['group', 'groups'],
  ['email', 'mail'],
  ['e-mail', 'mail'],
  ['expiry', 'expires'],
])
/** Without a head. */
const USUAL: readonly Column[] = ['name', 'groups', 'mail']
/** In place of a value that is to be removed: an empty field leaves it as it is. */
const NOTHING = '-'
const ANSWERS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['true', true],
  ['1', true],
  ['no', false],
  ['false', false],
  ['0', false],
])

/** Reads a list of local users with commas, semicolons or tabs between the fields. The first line may name the columns. */
export function parseUserTable(text: string): UserList {
  const { head, rows } = tableIn(text, { heads: HEADS, usual: USUAL })
  const problem = head && headFault(head)
  if (head !== undefined && problem !== undefined)
    return { entries: [], faults: [{ line: head.line, problem }] }
  const most = (head?.columns ?? USUAL).length
  return readEach(rows, (row) => userIn(row, most))
}

function headFault({
  columns,
  others,
}: {
  readonly columns: readonly unknown[]
  readonly others: readonly string[]
}) {
  if (!columns.includes('name')) return 'the head names no column name; write name over the user names'
  const [other] = others
  if (other === undefined) return undefined
  return `the column ${other} is not known; the columns are ${COLUMNS.join(' ')}`
}

/** @throws BadLine */
function userIn({ width, fields: row }: Row<Column>, most: number): ListedUser {
  if (width > most)
    throw new BadLine(
      `the line has ${width} fields, and the table ${most} columns; put quotes around a field with a separator inside`,
    )
  return {
    name: nameIn(row.name ?? ''),
    groups: row.groups === undefined ? undefined : groupsIn(row.groups),
    mail: readField(row.mail, mailIn),
    // Whether a client can have them depends on the pools.
    ipv4: readField(row.ipv4, (text) => text),
    ipv6: readField(row.ipv6, (text) => text),
    expiresAt: readField(row.expires, momentIn),
    language: readField(row.language, languageIn),
    enabled: row.enabled === undefined ? undefined : answerIn(row.enabled),
  }
}

function readField<Value>(
  field: string | undefined,
  read: (text: string) => Value,
): Value | null | undefined {
  return field === undefined ? undefined : field === NOTHING ? null : read(field)
}

function groupsIn(field: string): readonly string[] {
  if (field === NOTHING) return []
  const groups = field.split(/[,;|]/).map((group) => visible('a group', group.trim()))
  return [...new Set(groups.filter((group) => group !== ''))]
}

function mailIn(text: string): string {
  if (isMailAddress(text)) return text
  throw new BadLine(`${quoted(text)} is not a mail address; write ada@example.org, say`)
}

/** A day, or a minute of it, in UTC. */
function momentIn(text: string): number {
  try {
    return Temporal.PlainDateTime.from(text).toZonedDateTime('UTC').epochMilliseconds
  } catch {
    throw new BadLine(`${quoted(text)} is no date; write 2027-01-31 or 2027-01-31T18:00, in UTC`)
  }
}

function languageIn(text: string): Locale {
  if (isLocale(text)) return text
  throw new BadLine(`${quoted(text)} is no language of the pages; write ${LOCALES.join(' or ')}`)
}

function answerIn(text: string): boolean {
  const answer = ANSWERS.get(text.toLowerCase())
  if (answer !== undefined) return answer
  throw new BadLine(`${quoted(text)} is neither yes nor no; write one of them under enabled`)
}

const MAX_QUOTED = 60

function quoted(text: string): string {
  return `"${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}"`
}
