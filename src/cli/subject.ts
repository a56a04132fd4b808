import type { Store } from '../app/storage.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { subjectOf as subjectIn } from '../manage/subject.ts'

const PATIENCE_MS = 10_000

/** The name under which a login finds the user's authenticator. @throws OperatorError if no identity store knows the user. */
export async function subjectOf(typed: string, { candidates }: Pick<Store, 'candidates'>): Promise<string> {
  if (parseLoginName(typed) === undefined) throw new OperatorError(`"${typed}" cannot be a user's name`)
  const subject = await subjectIn(typed, { candidates, clock: systemClock, patienceMs: PATIENCE_MS })
  if (subject === undefined) throw new OperatorError(`no identity store knows ${typed}`)
  return subject
}
