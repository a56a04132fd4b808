import type { Store } from '../broker-storage.ts'
import { systemClock } from '../domain/clock.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { subjectOf as subjectIn } from '../domain/person.ts'
import { Complaint } from './complaint.ts'

const PATIENCE_MS = 10_000

/** Under which name the user's authenticator is kept, as a login would find it. @throws Complaint where nobody knows the user. */
export async function subjectOf(typed: string, store: Store): Promise<string> {
  const name = parseLoginName(typed)
  if (name === undefined) throw new Complaint(`"${typed}" cannot be a user's name`)
  for (const candidate of store.candidates(name)) {
    const answer = await candidate.store.lookup(candidate.name, systemClock.monotonic() + PATIENCE_MS)
    if (answer.kind === 'right') return subjectIn(candidate, answer.account)
    if (answer.kind !== 'unknown') return candidate.subject
  }
  throw new Complaint(`no identity store knows ${typed}`)
}
