import { foldName } from './login-name.ts'

/** The names of everybody whom the records know: local users, who has an authenticator, and who was ever let in. */
export interface NameStore {
  /** In order, each once. */
  list(search: NameSearch): Promise<readonly string[]>
}

export interface NameSearch {
  readonly limit: number
  readonly over?: readonly string[]
  /** What a name must hold, folded. */
  readonly part?: string
  /** Characters that a name must have, a few more or fewer. */
  readonly length?: number
}

/** Names that are this or fewer changes away are near. */
export const NEAR = 2

/** Names that contain what was typed, those that begin with it first. @param names in order. */
export function namesWith(names: readonly string[], typed: string): readonly string[] {
  const part = foldName(typed)
  const found = names.filter((name) => name.includes(part))
  return [...found.filter((name) => name.startsWith(part)), ...found.filter((name) => !name.startsWith(part))]
}

/** Names that are most likely meant by a name that does not exist, the nearest first. */
export function nearestNames(names: readonly string[], typed: string, most: number): readonly string[] {
  const wanted = foldName(typed)
  return names
    .filter((name) => Math.abs(name.length - wanted.length) <= NEAR)
    .filter((name) => differentLetters(name, wanted) <= 2 * NEAR)
    .map((name) => ({ name, changes: changesBetween(name, wanted) }))
    .filter(({ changes }) => changes <= NEAR)
    .toSorted((one, other) => one.changes - other.changes)
    .slice(0, most)
    .map(({ name }) => name)
}

/** Letters, by their last five bits, that only one of the texts has: a change makes at most two of them. */
function differentLetters(one: string, other: string): number {
  let count = 0
  for (let bits = lettersOf(one) ^ lettersOf(other); bits !== 0; bits &= bits - 1) count += 1
  return count
}

function lettersOf(text: string): number {
  let letters = 0
  for (let index = 0; index < text.length; index++) letters |= 1 << (text.charCodeAt(index) & 31)
  return letters
}

/** Characters to be added, left out, replaced, or swapped with their neighbour, to make one text of the other. */
function changesBetween(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const next = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = next
  }
  return last[other.length] ?? 0
}
