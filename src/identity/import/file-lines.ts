import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { canonicalUserName } from '../../domain/login-name.ts'

/** What keeps a line from being imported. It repeats no hash, seed or password. */
export interface ImportFault {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

/** What a file of another program holds, and what of it cannot be taken over. */
export interface Parsed<Entry> {
  readonly entries: readonly (Entry & { readonly line: number })[]
  readonly faults: readonly ImportFault[]
}

/** Thrown by the reader of a line, with the problem in words. */
export class BadLine extends Error {
  override readonly name = 'BadLine'
}

/**
 * Reads a file with an entry a line. Empty lines and those that begin with `#` are left out; the second line of one
 * name is a fault.
 * @param read takes one line apart. @throws BadLine
 */
export function readLines<Entry extends { readonly name: string }>(
  text: string,
  read: (line: string) => Entry,
): Parsed<Entry> {
  const entries: (Entry & { line: number })[] = []
  const faults: ImportFault[] = []
  const lineOf = new Map<string, number>()
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (const [index, content] of lines.entries()) {
    if (content.trim() === '' || content.startsWith('#')) continue
    const line = index + 1
    try {
      const entry = read(content)
      const earlier = lineOf.get(entry.name)
      if (earlier !== undefined) throw new BadLine(`${entry.name} is already in line ${earlier}`)
      lineOf.set(entry.name, line)
      entries.push({ ...entry, line })
    } catch (error) {
      if (!(error instanceof BadLine)) throw error
      faults.push({ line, problem: error.message })
    }
  }
  return { entries, faults }
}

/** @returns the text. @throws BadLine where it holds what cannot be seen. */
export function visible(what: string, text: string): string {
  const fault = hiddenCharacterFault(text)
  if (fault !== undefined) throw new BadLine(`${what} ${fault}`)
  return text
}

/** @returns the name as the broker writes it. @throws BadLine where no login could carry it. */
export function nameIn(typed: string): string {
  const name = canonicalUserName(visible('the name', typed))
  if (name !== undefined) return name
  throw new BadLine(
    typed === ''
      ? 'there is no name'
      : 'no login could carry the name: it is too long, or holds signs that no name has',
  )
}
