/**
 * A user's name as a gateway sent it, parsed once.
 *
 * `username` is the key of limits and lockouts: `bob`, `Bob`, `bob@corp.example` and `CORP\bob` may all reach one
 * directory account, so they share one budget of guesses.
 */
export interface LoginName {
  /** As it arrived; for people, and to match accounting records. */
  readonly raw: string
  /** As it was typed, without blanks at its ends: what an identity store is asked for. */
  readonly whole: string
  /** `whole` without its realm. */
  readonly user: string
  /** Canonical name (`foldName`) without the realm. */
  readonly username: string
  /** Canonical realm of `user@realm` or `REALM\user`; absent if none was typed. */
  readonly realm?: string
}

const MAX_OCTETS = 253 // the longest value that fits one RADIUS attribute (RFC 2865 §5)
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u

/** A name with two realms is rejected: the one left over would create aliases in stores that ignore realms. */
const REALM_MARK = /[@\\]/

/** Most names: already canonical, without a realm. */
const PLAIN = /^[a-z0-9][a-z0-9._-]{0,252}$/

/** @returns undefined if the name is empty, too long, has two realms, or holds control or unassigned characters. */
export function parseLoginName(sent: string): LoginName | undefined {
  if (PLAIN.test(sent)) return { raw: sent, whole: sent, user: sent, username: sent, realm: undefined }
  if (sent.length === 0 || Buffer.byteLength(sent) > MAX_OCTETS || FORBIDDEN.test(sent)) return undefined
  // The wide forms of the marks fold to the marks themselves.
  const typed = sent
    .replaceAll(/[＠﹫]/g, '@')
    .replaceAll(/[＼﹨]/g, '\\')
    .trim()
  const backslash = typed.indexOf('\\')
  const at = typed.lastIndexOf('@')
  if (backslash > 0) return named(sent, typed.slice(backslash + 1), typed.slice(0, backslash), '\\')
  if (at > 0) return named(sent, typed.slice(0, at), typed.slice(at + 1), '@')
  return named(sent, typed, '', '@')
}

function named(raw: string, name: string, realmTyped: string, mark: '@' | '\\'): LoginName | undefined {
  // Directories ignore blanks at the ends; otherwise each spelling would have its own budget of guesses.
  const user = name.trim()
  const suffix = realmTyped.trim()
  if (user === '' || REALM_MARK.test(user)) return undefined
  const username = foldName(user)
  if (suffix === '') return { raw, whole: user, user, username, realm: undefined }
  const whole = mark === '@' ? `${user}@${suffix}` : `${suffix}\\${user}`
  return { raw, whole, user, username, realm: foldName(suffix) }
}

/** Names that are their own canonical form, as most are. */
const FOLDED = /^[a-z0-9.@_-]*$/

/**
 * The form in which names are compared everywhere: by Unicode case folding (The Unicode Standard §3.13) and NFKC, which
 * NFC is part of, without blanks at the ends. A server behind an identity store may take `ｂｏｂ` for `bob`; under NFC
 * alone each such spelling would have guesses and a second factor of its own.
 */
export function foldName(text: string): string {
  if (FOLDED.test(text)) return text
  return Array.from(text.normalize('NFKC'), foldCharacter).join('').normalize('NFKC').trim()
}

/**
 * One character at a time, as lower case of a sigma depends on what is around it. Three steps take in what has no upper
 * case of one character (`ß`, `ẞ`). A dotless i is a letter of its own, and lower case of no `I`.
 */
function foldCharacter(character: string): string {
  return character === 'ı' ? character : character.toLowerCase().toUpperCase().toLowerCase()
}

/** Blanks at an end or in a row, and invisible characters. */
const IGNORABLE = /\p{Cf}|\s{2}|^\s|\s$/u

/**
 * Whether a name holds characters that another server may ignore. That server would accept two names for one user, who
 * would have separate guesses, lockouts and second factors here.
 */
export function hasIgnorableCharacters(name: string): boolean {
  return IGNORABLE.test(name)
}

/**
 * @returns the canonical form of a local user's name, which may be a mail address: the same local part at two domains
 * is two people. Undefined if no local user could have it.
 */
export function canonicalUserName(typed: string): string | undefined {
  const name = parseLoginName(typed)
  return name === undefined || name.whole.includes('\\') ? undefined : canonicalName(name)
}

/** The whole name in canonical form. */
function canonicalName({ whole }: Pick<LoginName, 'whole'>): string {
  return foldName(whole)
}

/**
 * The key of limits, lockouts and the audit trail; a name that no login could have is returned unchanged.
 * @param name a name, or a subject: that of a user who is called by a mail address has a realm behind it.
 */
export function usernameOf(name: string): string {
  return nameOfSubject(name)?.username ?? name
}

/** The name by which a subject, or a name that was typed, is found in the identity stores. */
export function nameOfSubject(subject: string): LoginName | undefined {
  return parseLoginName(subject) ?? parseLoginName(subject.slice(0, Math.max(0, subject.lastIndexOf('@'))))
}
