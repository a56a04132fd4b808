/**
 * A user's name as a gateway sent it, taken apart once and compared in one form everywhere.
 *
 * `stem` is the name without its realm and is the key of limits and lockouts: `bob`, `Bob`, `bob@corp.example`
 * and `CORP\bob` may all reach one directory account, so they share one budget of guesses.
 */
export interface LoginName {
  /** Exactly what arrived; only for people to read and for matching accounting. */
  readonly sent: string
  /** Canonical (NFKC, lower case) name without the realm. */
  readonly stem: string
  /** Canonical realm of `user@realm` or `REALM\user`; absent where none was typed. */
  readonly realm?: string
}

const MAX_OCTETS = 253 // the longest value that fits one RADIUS attribute (RFC 2865 §5)
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u

/** Of two realms one would be left in the name, and stores that overlook realms would know one user under many. */
const REALM_MARK = /[@\\]/

/** Most names: there is one way to write them, and no realm in them. */
const PLAIN = /^[a-z0-9][a-z0-9._-]{0,252}$/

/** @returns undefined where the name is empty, too long, of two realms, or holds control or unassigned characters. */
export function parseLoginName(sent: string): LoginName | undefined {
  if (PLAIN.test(sent)) return { sent, stem: sent, realm: undefined }
  if (sent.length === 0 || Buffer.byteLength(sent) > MAX_OCTETS || FORBIDDEN.test(sent)) return undefined
  const canonical = sent.normalize('NFKC').toLowerCase().trim()
  const backslash = canonical.indexOf('\\')
  const at = canonical.lastIndexOf('@')
  if (backslash > 0) return named(sent, canonical.slice(backslash + 1), canonical.slice(0, backslash))
  if (at > 0) return named(sent, canonical.slice(0, at), canonical.slice(at + 1))
  return named(sent, canonical, '')
}

function named(sent: string, stem: string, realm: string): LoginName | undefined {
  // Directories overlook blanks at the ends; each spelling with some would have a budget of guesses of its own.
  const name = stem.trim()
  if (name === '' || REALM_MARK.test(name)) return undefined
  const its = realm.trim()
  return { sent, stem: name, realm: its === '' ? undefined : its }
}

/** Blanks at an end or in a row, and signs that nobody sees. */
const OVERLOOKED = /\p{Cf}|\s{2}|^\s|\s$/u

/**
 * Whether a name holds what a server elsewhere may overlook. It would take two names for one user, who has guesses, a
 * lockout and a second factor under each of them here.
 */
export function holdsOverlooked(name: string): boolean {
  return OVERLOOKED.test(name) || REALM_MARK.test(name)
}

/** @returns the canonical form of a name that an operator typed, or undefined where no login could carry it. */
export function canonicalUserName(typed: string): string | undefined {
  const name = parseLoginName(typed)
  return name === undefined || name.realm !== undefined ? undefined : name.stem
}

/** The key of limits, lockouts and the audit trail for whoever is called so; a name that no login could carry is its own. */
export function stemOf(name: string): string {
  return parseLoginName(name)?.stem ?? name
}
