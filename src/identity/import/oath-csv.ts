import { BadLine, nameIn, type Parsed, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  type ImportedToken,
  kindIn,
  labelIn,
  periodIn,
  seedIn,
  tokenKey,
} from './imported-token.ts'
import type { Owners } from './owners.ts'
import { type Row, tableIn } from './table.ts'

type Column =
  | 'user'
  | 'serial'
  | 'secret'
  | 'type'
  | 'digits'
  | 'interval'
  | 'counter'
  | 'algorithm'
  | 'label'

/** What programs write at the head of a column. */
const HEADS: ReadonlyMap<string, Column> = new Map([
  ['user', 'user'],
  ['username', 'user'],
  ['upn', 'user'],
  ['serial', 'serial'],
  ['serial number', 'serial'],
  ['secret', 'secret'],
  ['secret key', 'secret'],
  ['seed', 'secret'],
  ['type', 'type'],
  ['digits', 'digits'],
  ['interval', 'interval'],
  ['time interval', 'interval'],
  ['counter', 'counter'],
  ['algorithm', 'algorithm'],
  ['label', 'label'],
])
/** Without a head: the order of LinOTP and privacyIDEA, with the user in place of the token's serial number. */
const USUAL: readonly Column[] = ['user', 'secret', 'type', 'digits', 'interval']
/** The same, where another file tells whose each serial number is. */
const BY_SERIAL: readonly Column[] = ['serial', 'secret', 'type', 'digits', 'interval']

/**
 * Reads authenticators with commas, semicolons or tabs between their fields. The first line may name the columns: the
 * secret, in hexadecimal or base32, and the user or the serial number must be among them.
 * @param owners whose the tokens are, by serial number, where the table does not say it.
 */
export function parseOathCsv(text: string, owners?: Owners): Parsed<ImportedToken> {
  const usual = owners === undefined ? USUAL : BY_SERIAL
  const { head, rows } = tableIn(text, { heads: HEADS, usual })
  const who = owners === undefined ? 'user' : 'serial'
  if (head !== undefined && !(head.columns.includes(who) && head.columns.includes('secret')))
    return {
      entries: [],
      faults: [{ line: head.line, problem: `the head names no column ${who}, or no column secret` }],
    }
  return readEach(rows, (row) => tokenIn(row, owners), tokenKey)
}

/** @throws BadLine */
function tokenIn({ width, fields: row }: Row<Column>, owners: Owners | undefined): ImportedToken {
  if (width < 2) throw new BadLine('the line has fewer than two fields')
  const kind = kindIn(row.type ?? 'totp')
  return {
    name: owners === undefined ? nameIn(row.user ?? '') : owners.of(row.serial),
    kind,
    seed: seedIn(row.secret ?? ''),
    digits: digitsIn(row.digits ?? '6'),
    period: kind === 'totp' ? periodIn(row.interval ?? '30') : 30,
    algorithm: algorithmIn(row.algorithm ?? 'sha1'),
    lastStep: kind === 'hotp' ? counterIn(row.counter ?? '0') - 1 : -1,
    label: labelIn(row.label),
  }
}
