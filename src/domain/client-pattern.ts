/** The longest pattern, in characters. */
export const MAX_CLIENT_PATTERN = 100

/**
 * Whether a client's description of itself fits a pattern as a whole: `*` stands for any text, `?` for one character, and
 * upper and lower case are the same. It takes at most the product of the two lengths, whatever a client sends.
 */
export function fitsClientPattern(pattern: string, client: string): boolean {
  const wanted = [...pattern.toLowerCase()]
  const given = [...client.toLowerCase()]
  let at = 0
  /** Where the last `*` stands, and what it stands for so far. */
  let star = -1
  let taken = 0
  for (let next = 0; next < given.length; ) {
    if (wanted[at] === '*') {
      star = at++
      taken = next
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[next])) {
      at++
      next++
    } else if (star >= 0) {
      at = star + 1
      next = ++taken
    } else return false
  }
  return wanted.slice(at).every((each) => each === '*')
}
