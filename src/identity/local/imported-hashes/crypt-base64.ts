const SIGNS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * Writes a digest as crypt(3) does: octets in threes and in an order of the scheme's own, each three as four signs,
 * the lowest six bits first.
 * @param order positions in the digest, the highest octet of each group first.
 */
export function cryptBase64(digest: Buffer, order: readonly (readonly number[])[]): string {
  let written = ''
  for (const group of order) {
    let bits = group.reduce((value, at) => (value << 8) | digest.readUInt8(at), 0)
    for (let signs = 0; signs <= group.length; signs += 1) {
      written += SIGNS[bits & 0x3f]
      bits >>>= 6
    }
  }
  return written
}
