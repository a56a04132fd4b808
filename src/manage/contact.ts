import type { Locale } from '../domain/locale.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { subjectOf as subjectIn } from '../domain/person.ts'
import { mayLogIn, type UserStore } from '../domain/user.ts'
import type { SubjectOptions } from './subject.ts'

/** How a user is reached by mail. */
export interface Contact {
  readonly subject: string
  /** Absent: the user's identity store tells no address. */
  readonly mail?: string
  readonly language?: Locale
}

/**
 * By the identity store that a login would ask.
 * @returns undefined where none knows the name, or the user may not log in. @throws Unavailable
 */
export async function contactOf(
  typed: string,
  { candidates, clock, patienceMs }: SubjectOptions,
): Promise<Contact | undefined> {
  const name = parseLoginName(typed)
  if (name === undefined) return undefined
  for (const candidate of candidates(name)) {
    const answer = await candidate.store.lookup(candidate.name, clock.monotonic() + patienceMs)
    if (answer.kind === 'unknown') continue
    if (answer.kind !== 'right') return undefined
    const { mail, language } = answer.account
    const address = mail !== undefined && isMailAddress(mail) ? mail : undefined
    return { subject: subjectIn(candidate, answer.account), mail: address, language }
  }
  return undefined
}

/**
 * Of a local user, whatever other identity stores have the name.
 * @param user canonical name. @returns undefined where there is none, or the user may not log in. @throws Unavailable
 */
export async function localContactOf(
  user: string,
  users: Pick<UserStore, 'find'>,
  now: number,
): Promise<Contact | undefined> {
  const found = await users.find(user)
  if (found === undefined || !mayLogIn(found, now)) return undefined
  return { subject: user, mail: found.mail, language: found.language }
}
