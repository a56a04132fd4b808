import { timingSafeEqual } from 'node:crypto'
import { compareSync } from 'bcryptjs'
import { md5Crypt } from './md5-crypt.ts'
import { readOldHash } from './scheme.ts'
import { shaCrypt } from './sha-crypt.ts'

/** Longer than any prompt brings; SHA-crypt's work grows with the square of the length. */
const MAX_PASSWORD_OCTETS = 256

/** Whether the password has this hash. It takes milliseconds to a second, so it belongs into a thread of its own. */
export function verifyOldHash(stored: string, password: Buffer): boolean {
  const hash = readOldHash(stored)
  // crypt(3) reads a password up to its first NUL.
  if (hash === undefined || password.includes(0) || password.length > MAX_PASSWORD_OCTETS) return false
  switch (hash.scheme) {
    case 'bcrypt':
      return compareSync(password.toString('utf8'), stored)
    case 'md5-crypt':
      return sameText(hash.digest, md5Crypt(password, hash.salt))
    case 'sha256-crypt':
      return sameText(hash.digest, shaCrypt('sha256', password, hash.salt, hash.rounds))
    case 'sha512-crypt':
      return sameText(hash.digest, shaCrypt('sha512', password, hash.salt, hash.rounds))
  }
}

/** Of equal length, which `readOldHash` sees to. */
function sameText(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
