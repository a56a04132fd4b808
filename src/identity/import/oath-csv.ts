import type { Secret } from '../../domain/secret.ts'
import { BadLine, linesIn, nameIn, type Parsed, readEach, readLines } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  type ImportedToken,
  periodIn,
  seedOfBase32,
  seedOfHex,
} from './imported-token.ts'

type Column = 'user' | 'secret' | 'type' | 'digits' | 'interval' | 'counter' | 'algorithm'
type Row = { readonly [At in Column]?: string }

/** What programs write at the head of a column, in lower case. A column of another name is not read. */
const HEADS: ReadonlyMap<string, Column> = new Map([
  ['user', 'user'],
  ['username', 'user'],
  ['upn', 'user'],
  ['secret', 'secret'],
  ['secret key', 'secret'],
  ['seed', 'secret'],
  ['type', 'type'],
  ['digits', 'digits'],
  ['interval', 'interval'],
  ['time interval', 'interval'],
  ['counter', 'counter'],
  ['algorithm', 'algorithm'],
])
/** Without a head: the order of LinOTP and privacyIDEA, with the user in place of the token's serial number. */
const USUAL: readonly Column[] = ['user', 'secret', 'type', 'digits', 'interval']

/**
 * Reads authenticators with commas, semicolons or tabs between their fields. The first line may name the columns;
 * `user` and `secret` must be among them, the secret in hexadecimal or base32.
 */
export function parseOathCsv(text: string): Parsed<ImportedToken> {
  const [first, ...rest] = linesIn(text)
  if (first === undefined) return { entries: [], faults: [] }
  const { line, content } = first
  const columns = columnsOf(content)
  if (columns === undefined) return readLines(text, (row) => tokenIn(row, USUAL))
  if (!columns.includes('user') || !columns.includes('secret'))
    return { entries: [], faults: [{ line, problem: 'the head names no column user, or no column secret' }] }
  return readEach(rest, (row) => tokenIn(row.content, columns))
}

/** @returns undefined where the line names no column. */
function columnsOf(head: string): (Column | undefined)[] | undefined {
  const columns = head.split(separatorOf(head)).map((field) => HEADS.get(unquoted(field).toLowerCase()))
  return columns.some((column) => column !== undefined) ? columns : undefined
}

/** @throws BadLine */
function tokenIn(content: string, columns: readonly (Column | undefined)[]): ImportedToken {
  const row = rowOf(content, columns)
  const kind = kindIn(row.type ?? 'totp')
  return {
    name: nameIn(row.user ?? ''),
    kind,
    seed: seedIn(row.secret ?? ''),
    digits: digitsIn(row.digits ?? '6'),
    period: kind === 'totp' ? periodIn(row.interval ?? '30') : 30,
    algorithm: algorithmIn(row.algorithm ?? 'sha1'),
    lastStep: kind === 'hotp' ? counterIn(row.counter ?? '0') - 1 : -1,
  }
}

/** Empty fields are left out. @throws BadLine */
function rowOf(content: string, columns: readonly (Column | undefined)[]): Row {
  const fields = content.split(separatorOf(content)).map(unquoted)
  if (fields.length < 2) throw new BadLine('the line has fewer than two fields')
  const row: { [At in Column]?: string } = {}
  for (const [index, column] of columns.entries()) {
    const field = fields[index] ?? ''
    if (column !== undefined && field !== '') row[column] = field
  }
  return row
}

/** The first one that occurs: none of them is part of a name or a seed. */
function separatorOf(content: string): string {
  return /[,;\t]/.exec(content)?.[0] ?? ','
}

function unquoted(field: string): string {
  return field
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
}

/** @throws BadLine */
function kindIn(type: string): 'totp' | 'hotp' {
  const kind = type.toLowerCase().replace(/^oath[-/_]/, '')
  if (kind === 'totp' || kind === 'hotp') return kind
  throw new BadLine('the type is neither totp nor hotp')
}

/** A seed in base32 that has only signs of hexadecimal is less likely than 1 in 10¹². @throws BadLine */
function seedIn(text: string): Secret {
  return /^(?:[0-9a-f]{2})+$/i.test(text) ? seedOfHex(text) : seedOfBase32(text)
}
