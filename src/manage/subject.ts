import type { Candidate } from '../domain/identity-provider.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import { subjectOf as subjectIn } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'

export interface SubjectOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Milliseconds within which an identity store must answer. */
  readonly patienceMs: number
}

/**
 * The subject under which the authenticator of a name is kept, as a login would find it.
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
    if (answer.kind !== 'unknown') return subjectIn(candidate, answer.found ?? {})
  }
  return undefined
}
