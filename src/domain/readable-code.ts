import type { Randomness } from './random.ts'

/** 31 characters without look-alikes: 4.95 bits each. */
export const READABLE = 'abcdefghjkmnpqrstuvwxyz23456789'

const GROUP_LENGTH = 4

/** A code for people to read, copy and type: groups of four characters, `abcd-efgh`, of 19.8 bits each. */
export function readableCode(random: Randomness, groups: number): string {
  const characters: string[] = []
  while (characters.length < groups * GROUP_LENGTH) {
    for (const byte of random.bytes(32)) {
      // Octets past the last whole multiple of the alphabet would favour its first characters.
      const character = byte < 248 ? READABLE[byte % READABLE.length] : undefined
      if (character !== undefined && characters.length < groups * GROUP_LENGTH) characters.push(character)
    }
  }
  return Array.from({ length: groups }, (_, i) =>
    characters.slice(i * GROUP_LENGTH, (i + 1) * GROUP_LENGTH).join(''),
  ).join('-')
}

/** Canonical form: lower case, without hyphens and blanks. */
export function plainCode(typed: string): string {
  return typed.toLowerCase().replaceAll(/[-\s]/g, '')
}

/** A page of the portal where a code is entered. */
export type CodePage = '/enrol' | '/choose-password'

/**
 * The link that brings a code to its page. The code stands behind the mark, which browsers send to no server and write
 * into no log.
 */
export function codeLink(publicUrl: string, page: CodePage, name: string, code: string): string {
  return `${publicUrl}${page}?${new URLSearchParams({ name })}#${code}`
}
