/** The hash of a password as another program stored it, read apart. */
export type OldHash =
  | { readonly scheme: 'md5-crypt'; readonly salt: string; readonly digest: string }
  | {
      readonly scheme: 'sha256-crypt' | 'sha512-crypt'
      readonly rounds: number
      readonly salt: string
      readonly digest: string
    }
  | { readonly scheme: 'bcrypt'; readonly cost: number }

const MD5_CRYPT = /^\$1\$([^$:\s]{0,8})\$([./0-9A-Za-z]{22})$/
const SHA256_CRYPT = /^\$5\$(?:rounds=([1-9]\d{3,8})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]{43})$/
const SHA512_CRYPT = /^\$6\$(?:rounds=([1-9]\d{3,8})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]{86})$/
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/

/** SHA-crypt's own, where the hash names none. */
const DEFAULT_ROUNDS = 5000

/** Limits that keep a check below about a second, so that one user's logins cannot keep a thread busy. */
const MAX_ROUNDS = 500_000
const MAX_COST = 14

/** @returns undefined if the broker cannot verify this kind of hash. */
export function readOldHash(stored: string): OldHash | undefined {
  const md5 = MD5_CRYPT.exec(stored)
  if (md5 !== null) return { scheme: 'md5-crypt', salt: md5[1] ?? '', digest: md5[2] ?? '' }
  const sha256 = SHA256_CRYPT.exec(stored)
  const sha = sha256 ?? SHA512_CRYPT.exec(stored)
  if (sha !== null) {
    return {
      scheme: sha256 === null ? 'sha512-crypt' : 'sha256-crypt',
      rounds: sha[1] === undefined ? DEFAULT_ROUNDS : Number(sha[1]),
      salt: sha[2] ?? '',
      digest: sha[3] ?? '',
    }
  }
  const bcrypt = BCRYPT.exec(stored)
  return bcrypt === null ? undefined : { scheme: 'bcrypt', cost: Number(bcrypt[1]) }
}

/** Whether a stored hash was made by another program, by its prefix alone. */
export function isOldHash(stored: string): boolean {
  return /^\$(?:1|2[aby]|5|6)\$/.test(stored)
}

/** Schemes that cannot be imported, with their names for the error message. */
const REFUSED: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\$apr1\$/, "Apache's MD5 ($apr1$)"],
  [/^\{SHA\}/i, 'unsalted SHA-1 ({SHA})'],
  [/^\{SSHA\}/i, 'salted SHA-1 ({SSHA})'],
  [/^\$y\$/, 'yescrypt ($y$)'],
  [/^\$gy\$/, 'gost-yescrypt ($gy$)'],
  [/^\$7\$/, 'scrypt ($7$)'],
  [/^\$sha1\$/, 'SHA-1 crypt ($sha1$)'],
  [/^\$md5/, "Sun's MD5 ($md5$)"],
  [/^\$3\$/, 'NT hash ($3$)'],
  [/^\$2x?\$/, 'an early bcrypt ($2$ or $2x$), which hashes wrongly'],
  [/^\$(?:1|2[aby]|5|6)\$/, 'damaged: it is cut short or holds signs that no such hash has'],
  [/^_[./0-9A-Za-z]{19}$/, 'extended DES'],
  [/^[./0-9A-Za-z]{13}$/, 'DES, or a password in clear text'],
]

const TAKEN = 'taken are $1$, $5$, $6$ and bcrypt ($2a$, $2b$, $2y$)'

/** @returns why the hash cannot be imported, in words that do not repeat it; undefined where it can. */
export function oldHashFault(stored: string): string | undefined {
  const hash = readOldHash(stored)
  if (hash === undefined) {
    const name = REFUSED.find(([pattern]) => pattern.test(stored))?.[1]
    return name === undefined
      ? `the hash is of a kind that is not known here, or a password in clear text; ${TAKEN}`
      : `the hash is ${name}; ${TAKEN}`
  }
  if ('rounds' in hash && hash.rounds > MAX_ROUNDS)
    return `the hash has ${hash.rounds} rounds; ${MAX_ROUNDS} is the most that is verified here`
  if (hash.scheme === 'bcrypt' && (hash.cost < 4 || hash.cost > MAX_COST))
    return `the hash has a cost of ${hash.cost}; 4 to ${MAX_COST} are verified here`
  return undefined
}
