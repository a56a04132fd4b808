import { hash } from 'node:crypto'
import { cryptBase64 } from './crypt-base64.ts'

const ORDER = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]]
const ROUNDS = 1000
const MAGIC = Buffer.from('$1$')

/** The digest of crypt(3)'s `$1$` scheme, by Poul-Henning Kamp for FreeBSD. */
export function md5Crypt(password: Buffer, saltText: string): string {
  const salt = Buffer.from(saltText)
  const md5 = (...parts: Buffer[]) => hash('md5', Buffer.concat(parts), 'buffer')
  const seasoning = md5(password, salt, password)
  const parts = [password, MAGIC, salt]
  for (let left = password.length; left > 0; left -= 16) parts.push(seasoning.subarray(0, Math.min(16, left)))
  // One octet for each bit of the password's length: the password's first for a clear bit, a NUL for a set one.
  for (let bits = password.length; bits > 0; bits >>>= 1) {
    parts.push(bits % 2 === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  }
  let digest = md5(...parts)
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = round % 2 === 1
    digest = md5(
      odd ? password : digest,
      ...(round % 3 === 0 ? [] : [salt]),
      ...(round % 7 === 0 ? [] : [password]),
      odd ? digest : password,
    )
  }
  return cryptBase64(digest, ORDER)
}
