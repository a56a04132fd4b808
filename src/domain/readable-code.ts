import type { Randomness } from './random.ts'

/** 31 signs, none that is read as another: 4.95 bits each. */
export const READABLE = 'abcdefghjkmnpqrstuvwxyz23456789'

const GROUP_LENGTH = 4

/** A code for people to read, copy and type: groups of four signs, `abcd-efgh`; each group is 19.8 bits. */
export function readableCode(random: Randomness, groups: number): string {
  const signs: string[] = []
  while (signs.length < groups * GROUP_LENGTH) {
    for (const byte of random.bytes(32)) {
      // Octets past the last whole multiple of the alphabet would favour its first signs.
      const sign = byte < 248 ? READABLE[byte % READABLE.length] : undefined
      if (sign !== undefined && signs.length < groups * GROUP_LENGTH) signs.push(sign)
    }
  }
  return Array.from({ length: groups }, (_, i) =>
    signs.slice(i * GROUP_LENGTH, (i + 1) * GROUP_LENGTH).join(''),
  ).join('-')
}

/** The same text however the code was typed: in capitals, without hyphens, with blanks. */
export function plainCode(typed: string): string {
  return typed.toLowerCase().replaceAll(/[-\s]/g, '')
}
