import { distance } from 'fastest-levenshtein'

/** @returns the candidate that the word was probably meant to be; undefined if none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const plain = withoutStyle(word)
  let best: string | undefined
  // Two swapped letters are two edits, which is too much in a word of three.
  let bestDistance = Math.min(plain.length, plain.length < 4 ? 2 : Math.max(3, plain.length / 3 + 1))
  for (const candidate of candidates) {
    const apart = distance(plain, withoutStyle(candidate))
    if (apart < bestDistance) {
      best = candidate
      bestDistance = apart
    }
  }
  return best ?? candidates.find((candidate) => candidate.length > 2 && plain.startsWith(candidate))
}

/** `authPort`, `auth-port` and `AUTH_PORT` are one word. */
function withoutStyle(word: string): string {
  return word.slice(0, 64).toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Suggests the nearest candidate, or lists all of them. */
export function suggestOneOf(word: string, candidates: readonly string[]): string {
  const near = closest(word, candidates)
  return near === undefined ? `known here: ${candidates.join(', ')}` : `did you mean ${near}?`
}
