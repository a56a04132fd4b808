import { createDecipheriv } from 'node:crypto'
import { Secret } from '../../domain/secret.ts'
import { BadLine, nameIn, type Parsed, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  driftIn,
  type ImportedToken,
  kindIn,
  periodIn,
  seedOfHex,
  tokenKey,
} from './imported-token.ts'
import type { Owners } from './owners.ts'
import { type Row, tableIn } from './table.ts'

type Column = 'serial' | 'type' | 'user' | 'digits' | 'counter' | 'info' | 'secret' | 'iv' | 'active'

/** Columns of LinOTP's table `Token`. */
const HEADS: ReadonlyMap<string, Column> = new Map([
  ['linotptokenserialnumber', 'serial'],
  ['linotptokentype', 'type'],
  ['linotpuserid', 'user'],
  ['linotpotplen', 'digits'],
  ['linotpcount', 'counter'],
  ['linotptokeninfo', 'info'],
  ['linotpkeyenc', 'secret'],
  ['linotpkeyiv', 'iv'],
  ['linotpisactive', 'active'],
])
const NEEDED: readonly Column[] = ['serial', 'type', 'digits', 'counter', 'secret', 'iv']
const KEY_OCTETS = 32
const BLOCK_OCTETS = 16
const OFF = /^(?:0|f|false)$/i

/** @param octets LinOTP's file `encKey`: several keys, the first of which encrypts seeds. @returns undefined where it is none. */
export function linOtpKeyIn(octets: Buffer): Secret | undefined {
  return octets.length >= KEY_OCTETS ? new Secret(octets.subarray(0, KEY_OCTETS)) : undefined
}

/**
 * Reads LinOTP's table `Token` as a database client writes it, with the names of the columns in its first line.
 * @param owners whose each token is; without them the identifier that LinOTP has for the user is taken as the name.
 */
export function parseLinOtp(
  text: string,
  key: Secret | undefined,
  owners: Owners | undefined,
): Parsed<ImportedToken> {
  const { head, rows } = tableIn(text, { heads: HEADS, usual: [] })
  const columns = head?.columns ?? []
  const missing = NEEDED.find((column) => !columns.includes(column))
  if (missing !== undefined) {
    const name = [...HEADS].find(([, column]) => column === missing)?.[0]
    return { entries: [], faults: [{ line: head?.line ?? 1, problem: `the head names no column ${name}` }] }
  }
  return readEach(
    rows,
    (row) => {
      if (row.width !== columns.length)
        throw new BadLine(`the line has ${row.width} fields, and the head has ${columns.length}`)
      return tokenIn(row.fields, key, owners)
    },
    tokenKey,
  )
}

/** @throws BadLine */
function tokenIn(
  row: Row<Column>['fields'],
  key: Secret | undefined,
  owners: Owners | undefined,
): ImportedToken {
  if (OFF.test(row.active ?? '1')) throw new BadLine('the token is disabled')
  const info = infoIn(row.info === undefined || row.info === 'NULL' ? '{}' : row.info)
  const kind = kindIn(row.type ?? 'hmac')
  return {
    name: owners?.of(row.serial) ?? nameIn(row.user ?? ''),
    kind,
    seed: seedIn(row, key),
    digits: digitsIn(row.digits ?? '6'),
    period: kind === 'totp' ? periodIn(info('timeStep') ?? '30') : 30,
    algorithm: algorithmIn(info('hashlib') ?? 'sha1'),
    lastStep: kind === 'hotp' ? counterIn(row.counter ?? '0') - 1 : -1,
    driftMs: kind === 'totp' ? driftIn('timeShift', info('timeShift') ?? '0') : 0,
  }
}

/** AES-256-CBC over hexadecimal digits of hexadecimal digits of the seed. @throws BadLine */
function seedIn({ secret = '', iv = '' }: Row<Column>['fields'], key: Secret | undefined): Secret {
  if (key === undefined)
    throw new BadLine('the seed is encrypted: --key-file names the file encKey of LinOTP')
  const [text, start] = [octetsIn(secret), octetsIn(iv)]
  if (text.length === 0 || text.length % BLOCK_OCTETS !== 0 || start.length !== BLOCK_OCTETS)
    throw new BadLine('the encrypted seed is cut short')
  const decipher = createDecipheriv('aes-256-cbc', key.bytes(), start).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(text), decipher.final()])
  const [hex = ''] = /^(?:[0-9a-f]{2})*/i.exec(padded.toString('latin1')) ?? []
  if (hex === '' || !isPadding(padded.subarray(hex.length)))
    throw new BadLine('the seed was encrypted with another key')
  return seedOfHex(Buffer.from(hex, 'hex').toString('latin1'))
}

/** LinOTP 3 pads as PKCS #7 does, LinOTP 2 with 1, 2 and zeros. */
function isPadding(octets: Buffer): boolean {
  const [first, second, ...rest] = octets
  return (
    octets.every((octet) => octet === octets.length) ||
    (first === 1 && second === 2 && rest.every((octet) => octet === 0))
  )
}

/** @throws BadLine */
function octetsIn(hex: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) throw new BadLine('the encrypted seed is not written in hexadecimal')
  return Buffer.from(hex, 'hex')
}

/** @param text a JSON object, whose line breaks mysql(1) writes as `\\n`. @throws BadLine */
function infoIn(text: string): (key: string) => string | undefined {
  try {
    const info = new Map(Object.entries(JSON.parse(text.replaceAll('\\n', ' ')) as Record<string, unknown>))
    return (key) => (info.get(key) === undefined ? undefined : String(info.get(key)))
  } catch {
    throw new BadLine('LinOtpTokenInfo is not JSON')
  }
}
