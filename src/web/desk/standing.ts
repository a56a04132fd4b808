import type { RegisteredEnrolment } from '../../domain/enrolment-register.ts'
import type { Session } from '../../domain/session.ts'
import type { Explanation, Supposed } from '../../manage/explain.ts'
import type { Desk } from './desk.ts'

/** How things stand with a user, beside a story. */
export interface Standing {
  /** As a login would carry it. */
  readonly name: string
  readonly enrolment?: RegisteredEnrolment
  /** Open now, the newest of them. */
  readonly sessions: readonly Session[]
  /** Of the store that knows the user. */
  readonly groups: readonly string[]
  readonly source?: string
  readonly explanation: Explanation
}

const MOST_SESSIONS = 5

/** @returns undefined where no login could carry the name. */
export async function findStanding(user: string, desk: Desk): Promise<Standing | undefined> {
  const found = await explainUser({ user }, desk)
  return 'wrong' in found ? undefined : found
}

/** @returns what is wrong with the question where it is none. */
export async function explainUser(
  supposed: Supposed,
  { dependencies: { explain, records, clock } }: Desk,
): Promise<Standing | { readonly wrong: keyof Supposed }> {
  const explanation = await explain(supposed)
  if ('wrong' in explanation) return explanation
  const sessions = await records.sessionDesk.search({
    user: explanation.user,
    standing: { state: 'open', at: clock.now() },
    limit: MOST_SESSIONS,
  })
  const known = explanation.stores.find(({ answer }) => answer === 'known' || answer === 'barred')
  return {
    name: supposed.user,
    enrolment: explanation.enrolment,
    sessions,
    groups: known?.groups ?? [],
    source: known?.store,
    explanation,
  }
}
