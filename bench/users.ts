import { createHmac } from 'node:crypto'

/** Everybody's: one password is hashed once, and a server cannot tell. */
export const PASSWORD = 'correct horse battery staple'

/** Seconds and digits of every authenticator, as apps have them. */
export const PERIOD = 30
export const DIGITS = 6

/** Users by their number, so that a server, its baseline and the load know the same ones without a list. */
export function userName(user: number): string {
  return `user${String(user).padStart(7, '0')}`
}

/** The user's own public address (Calling-Station-Id), from the shared space of RFC 6598, which is as large as 4 million. */
export function userAddress(user: number): string {
  return [100, 64 + ((user >> 16) & 63), (user >> 8) & 255, user & 255].join('.')
}

/** 20 octets that nothing but the number determines. */
export function seedOf(user: number): Buffer {
  return createHmac('sha1', 'the seeds of the bench').update(userName(user)).digest()
}

/** The user's code of a time step (RFC 6238 §4, RFC 4226 §5.3), written apart from the broker's own way to it. */
export function codeOf(user: number, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const digest = createHmac('sha1', seedOf(user)).update(counter).digest()
  const at = digest.readUInt8(19) & 0x0f
  return String((digest.readUInt32BE(at) & 0x7fff_ffff) % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** Octets in base32 without padding (RFC 4648 §6), as FreeRADIUS and authenticator apps take a seed. */
export function base32(octets: Buffer): string {
  const bits = [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(Number.parseInt(five.padEnd(5, '0'), 2)))
    .join('')
}
