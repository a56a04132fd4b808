import type { TotpAlgorithm } from '../../domain/enrolment.ts'
import { BadLine } from './file-lines.ts'
import { type ImportedToken, seedOf } from './imported-token.ts'

/** An account of an export of Google Authenticator. */
export interface ExportedAccount extends Pick<ImportedToken, 'kind' | 'seed' | 'digits' | 'algorithm'> {
  readonly label: string
  /** The next one to be used; of `hotp` alone. */
  readonly counter: number
}

/** By field number: octets of length-delimited fields, numbers of varints; of repeated fields, all. */
type Message = ReadonlyMap<number, readonly (Buffer | number)[]>

const ACCOUNTS = 1
const [SECRET, NAME, ALGORITHM, DIGITS, TYPE, COUNTER] = [1, 2, 4, 5, 6, 7]
const ALGORITHMS: readonly (TotpAlgorithm | undefined)[] = ['sha1', 'sha1', 'sha256', 'sha512']
const DIGITS_OF: readonly (number | undefined)[] = [6, 6, 8]
const HOTP = 1
const TOTP = 2

/**
 * Takes apart the `data` of `otpauth-migration://`, a message of Protocol Buffers in base64. A fault in one account is a
 * fault of the whole line, of which nothing is known for sure then.
 * @throws BadLine
 */
export function accountsOfExport(data: string): ExportedAccount[] {
  // A + that was not escaped has become a blank on some ways.
  const base64 = data.replaceAll(' ', '+')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) throw new BadLine('the data is not written in base64')
  const accounts = messageOf(Buffer.from(base64, 'base64')).get(ACCOUNTS) ?? []
  if (accounts.length === 0) throw new BadLine('the export holds no account')
  return accounts.map((octets) => accountOf(messageOf(octetsIn(octets))))
}

/** @throws BadLine */
function accountOf(message: Message): ExportedAccount {
  const number = (field: number) => {
    const value = message.get(field)?.at(-1) ?? 0
    return typeof value === 'number' ? value : Number.NaN
  }
  const octets = (field: number) => octetsIn(message.get(field)?.at(-1) ?? Buffer.alloc(0))
  const algorithm = ALGORITHMS[number(ALGORITHM)]
  if (algorithm === undefined)
    throw new BadLine('the algorithm of an account is none of SHA1, SHA256 and SHA512')
  const digits = DIGITS_OF[number(DIGITS)]
  if (digits === undefined) throw new BadLine('the number of digits of an account is neither 6 nor 8')
  const type = number(TYPE)
  if (type !== HOTP && type !== TOTP) throw new BadLine('the type of an account is neither TOTP nor HOTP')
  return {
    label: octets(NAME).toString('utf8'),
    kind: type === HOTP ? 'hotp' : 'totp',
    seed: seedOf(octets(SECRET)),
    digits,
    algorithm,
    counter: number(COUNTER),
  }
}

/** Reads one message of Protocol Buffers, by its octets alone. @throws BadLine */
function messageOf(octets: Buffer): Message {
  const fields = new Map<number, (Buffer | number)[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const octet = octets[at]
      if (octet === undefined) throw cutShort()
      at += 1
      value += (octet & 0x7f) * factor
      if (octet < 0x80) return value
    }
    throw new BadLine('the data is not an export of Google Authenticator')
  }
  const skip = (length: number): Buffer => {
    if (length > octets.length - at) throw cutShort()
    at += length
    return octets.subarray(at - length, at)
  }
  const valueIn = (wireType: number): Buffer | number => {
    if (wireType === 0) return varint()
    if (wireType === 1) return skip(8)
    if (wireType === 2) return skip(varint())
    if (wireType === 5) return skip(4)
    throw new BadLine('the data is not an export of Google Authenticator')
  }
  while (at < octets.length) {
    const key = varint()
    const field = Math.floor(key / 8)
    const value = valueIn(key % 8)
    const before = fields.get(field)
    if (before === undefined) fields.set(field, [value])
    else before.push(value)
  }
  return fields
}

/** @throws BadLine */
function octetsIn(value: Buffer | number): Buffer {
  if (typeof value === 'number') throw new BadLine('the data is not an export of Google Authenticator')
  return value
}

function cutShort(): BadLine {
  return new BadLine('the data is cut short')
}
