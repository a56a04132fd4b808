import { hash } from 'node:crypto'
import { cryptBase64 } from './crypt-base64.ts'

/** The threes of the digest: each is the one before, one octet further and turned round. */
function order(first: readonly [number, number, number], turn: 1 | 2, count: number): number[][] {
  const groups: number[][] = [[...first]]
  while (groups.length < count) {
    const [a = 0, b = 0, c = 0] = groups.at(-1) ?? []
    groups.push(turn === 1 ? [c + 1, a + 1, b + 1] : [b + 1, c + 1, a + 1])
  }
  return groups
}

const ORDERS = {
  sha256: [...order([0, 10, 20], 1, 10), [31, 30]],
  sha512: [...order([0, 21, 42], 2, 21), [63]],
}

/** The digest of crypt(3)'s `$5$` and `$6$` schemes, by Ulrich Drepper's specification "SHA-crypt"; its steps are numbered here. */
export function shaCrypt(
  algorithm: 'sha256' | 'sha512',
  password: Buffer,
  saltText: string,
  rounds: number,
): string {
  const salt = Buffer.from(saltText)
  const digestOf = (...parts: Buffer[]) => hash(algorithm, Buffer.concat(parts), 'buffer')
  const b = digestOf(password, salt, password) // 4 to 8
  const lengthBits: Buffer[] = [] // 11
  for (let bits = password.length; bits > 0; bits >>>= 1) lengthBits.push(bits % 2 === 1 ? b : password)
  let digest = digestOf(password, salt, filled(b, password.length), ...lengthBits) // 1 to 12
  const repeatedPassword = Array.from(password, () => password)
  const p = filled(digestOf(...repeatedPassword), password.length) // 13 to 16
  const repeatedSalt = Array.from({ length: 16 + digest.readUInt8(0) }, () => salt)
  const s = filled(digestOf(...repeatedSalt), salt.length) // 17 to 20
  for (let round = 0; round < rounds; round += 1) {
    const odd = round % 2 === 1 // 21
    const parts = [odd ? p : digest]
    if (round % 3 !== 0) parts.push(s)
    if (round % 7 !== 0) parts.push(p)
    parts.push(odd ? digest : p)
    digest = digestOf(...parts)
  }
  return cryptBase64(digest, ORDERS[algorithm]) // 22
}

/** The digest over and over, to this length. */
function filled(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest)
}
