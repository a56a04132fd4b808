import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { canonicalUserName } from '../../domain/login-name.ts'

/** What keeps a line from being imported. It repeats no hash, seed or password. */
export interface ImportFault {
  /** From 1; in a folder, the number of the file. */
  readonly line: number
  /** Where it is, if a line's number does not say it: a file's path, or which account of the line. */
  readonly place?: string
  readonly problem: string
}

/** Where an entry stands. */
export type Place = Pick<ImportFault, 'line' | 'place'>

/** What a file of another program holds, and what of it cannot be taken over. */
export interface Parsed<Entry> {
  readonly entries: readonly (Entry & Place)[]
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
  return readEach(linesIn(text), ({ content }) => read(content))
}

/** The lines that are neither empty nor comments. */
export function linesIn(text: string): (Place & { readonly content: string })[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content.trim() !== '' && !content.startsWith('#'))
}

/**
 * Reads what stands at each place; the second one of a name is a fault.
 * @param read @throws BadLine; @param keyOf what may occur once, in place of the name.
 */
export function readEach<At extends Place, Entry extends { readonly name: string }>(
  places: Iterable<At>,
  read: (at: At) => Entry,
  keyOf: (entry: Entry) => string = ({ name }) => name,
): Parsed<Entry> {
  const entries: (Entry & Place)[] = []
  const faults: ImportFault[] = []
  const placeOf = new Map<string, Place>()
  for (const at of places) {
    const { line, place } = at
    const here: Place = place === undefined ? { line } : { line, place }
    try {
      const entry = read(at)
      const earlier = placeOf.get(keyOf(entry))
      if (earlier !== undefined) throw new BadLine(`${entry.name} is already in ${placeWords(earlier)}`)
      placeOf.set(keyOf(entry), here)
      entries.push({ ...entry, ...here })
    } catch (error) {
      if (!(error instanceof BadLine)) throw error
      faults.push(faultAt(here, error.message))
    }
  }
  return { entries, faults }
}

/** `line 7`, or the place itself. */
export function placeWords({ line, place = `line ${line}` }: Place): string {
  return place
}

/** What keeps an entry that was read from being imported. */
export function faultAt({ line, place }: Place, problem: string): ImportFault {
  return place === undefined ? { line, problem } : { line, place, problem }
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
