import type { SharedSecret } from './shared-secret.ts'

const BLOCK = 16
const MAX_LENGTH = 128

/**
 * The password in a User-Password attribute (RFC 2865 §5.2), as octets: which text they are is not said on
 * the wire. Trailing NULs are padding and stripped. A value of no octets is the empty password: ocserv's
 * library sends it so, though the RFC asks for 16.
 *
 * @param requestAuthenticator 16 octets.
 * @returns undefined where the value is not 16 to 128 octets in blocks of 16.
 */
export function decryptUserPassword(
  value: Buffer,
  requestAuthenticator: Buffer,
  secret: SharedSecret,
): Buffer | undefined {
  if (value.length % BLOCK !== 0 || value.length > MAX_LENGTH) return undefined
  const password = Buffer.from(value)
  let previous = requestAuthenticator
  for (let at = 0; at < value.length; at += BLOCK) {
    xorBlock(password, at, secret.passwordPad(previous))
    previous = value.subarray(at, at + BLOCK)
  }
  let end = password.length
  while (end > 0 && password[end - 1] === 0) end -= 1
  return password.subarray(0, end)
}

/**
 * The value of a User-Password attribute (RFC 2865 §5.2): the password padded with NULs to blocks of 16,
 * one block for the empty one. NULs at the password's own end do not survive.
 *
 * @param requestAuthenticator 16 octets.
 * @throws RangeError on a password of more than 128 octets.
 */
export function encryptUserPassword(
  password: Buffer,
  requestAuthenticator: Buffer,
  secret: SharedSecret,
): Buffer {
  if (password.length > MAX_LENGTH) throw new RangeError('a RADIUS password has at most 128 octets')
  const value = Buffer.alloc(Math.max(1, Math.ceil(password.length / BLOCK)) * BLOCK)
  value.set(password)
  let previous = requestAuthenticator
  for (let at = 0; at < value.length; at += BLOCK) {
    xorBlock(value, at, secret.passwordPad(previous))
    previous = value.subarray(at, at + BLOCK)
  }
  return value
}

function xorBlock(target: Buffer, at: number, pad: Buffer): void {
  for (let index = 0; index < BLOCK; index += 1) {
    target[at + index] = (target[at + index] ?? 0) ^ (pad[index] ?? 0)
  }
}
