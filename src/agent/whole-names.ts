import { BLURRED, type ListedSession } from './listing.ts'

/** The least width of a name in occtl's tables, in which shorter ones stand at the right. */
const NAME_WIDTH = 8

/**
 * occtl's JSON has `\u00ff` for each octet of a name beyond ASCII, so one text stands for many names; its table has the
 * octets themselves.
 *
 * @param table of the same listing without `-j`: lines of a key, a name and more.
 * @param keyOf how the table names a session.
 * @returns the sessions, with their whole names where the two listings agree.
 */
export function withWholeNames<S extends ListedSession>(
  sessions: readonly S[],
  table: Buffer,
  keyOf: (session: S) => string,
): readonly S[] {
  // A name with a line break could pretend to be a line about another session.
  if (sessions.some(({ user }) => /[\r\n]/.test(user))) return sessions
  const lines = linesOf(table)
  return sessions.map((session) => {
    if (session.isNameKnown) return session
    const octets = nameIn(lines.get(keyOf(session)), session.user)
    return octets === undefined ? session : { ...session, user: octets, isNameKnown: true }
  })
}

/** By their keys; undefined for a key that stands twice. Octets are kept as characters. */
function linesOf(table: Buffer): ReadonlyMap<string, string | undefined> {
  const lines = new Map<string, string | undefined>()
  for (const line of table.toString('latin1').split('\n')) {
    const [, key, rest] = /^ *(\S+) (.*)$/.exec(line) ?? []
    if (key !== undefined) lines.set(key, lines.has(key) ? undefined : rest)
  }
  return lines
}

function nameIn(line: string | undefined, blurred: string): string | undefined {
  if (line === undefined) return undefined
  const padding = Math.max(0, NAME_WIDTH - blurred.length)
  const name = line.slice(padding, padding + blurred.length)
  const agrees =
    line.slice(0, padding).trim() === '' &&
    line[padding + blurred.length] === ' ' &&
    name.replaceAll(/[\x80-\xff]/g, BLURRED) === blurred
  return agrees ? decoded(Buffer.from(name, 'latin1')) : undefined
}

function decoded(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    return undefined
  }
}
