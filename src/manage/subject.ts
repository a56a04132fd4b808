import type { Clock } from '../domain/clock.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import { type Candidate, subjectOf as subjectIn } from '../domain/person.ts'

export interface SubjectOptions {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  readonly clock: Clock
  /** Milliseconds that an identity store has for its answer. */
  readonly patienceMs: number
}

/**
 * Under what the authenticator of a name is kept, as a login would find it.
 * @returns undefined where no identity store knows the name. @throws Unavailable
 */
export async function subjectOf(
  typed: string,
  { candidates, clock, patienceMs }: SubjectOptions,
): Promise<string | undefined> {
  const name = parseLoginName(typed)
  if (name === undefined) return undefined
  for (const candidate of candidates(name)) {
    const answer = await candidate.store.lookup(candidate.name, clock.monotonic() + patienceMs)
    if (answer.kind === 'right') return subjectIn(candidate, answer.account)
    if (answer.kind !== 'unknown') return candidate.subject
  }
  return undefined
}
