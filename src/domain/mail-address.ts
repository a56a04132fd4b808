const MAX_OCTETS = 254

/**
 * One address as SMTP takes it (RFC 5321 §4.1.2 without quoted strings, RFC 6531): nothing in it can be a second address
 * or begin another header.
 */
export function isMailAddress(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_OCTETS && ADDRESS.test(text)
}

const ADDRESS =
  /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*@[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)*$/u
