import type { RegisteredEnrolment } from '../../domain/enrolment.ts'
import type { Session } from '../../domain/session.ts'
import type { MessageKey, MessageValues } from '../../i18n/messages.ts'
import type { Explanation, Supposed, WrongPart } from '../../manage/explain.ts'
import type { AdminConsole } from './console.ts'

/** A user's present state, shown beside a timeline. */
export interface UserStatus {
  /** As it was typed. */
  readonly name: string
  readonly enrolments: readonly RegisteredEnrolment[]
  /** The newest open VPN sessions. */
  readonly sessions: readonly Session[]
  /** Groups in the directory that has the user. */
  readonly groups: readonly string[]
  readonly directory?: string
  readonly explanation: Explanation
  readonly outcome: Outcome
}

/** Why a login would be let in or refused: a message, or a text of `explain` that pages show by `it.stored`. */
type Outcome =
  | { readonly key: MessageKey; readonly values: MessageValues }
  | { readonly stored: string; readonly key?: undefined }

const MAX_SESSIONS = 5

/** @returns undefined where the name is not a valid user name. */
export async function findUserStatus(user: string, admin: AdminConsole): Promise<UserStatus | undefined> {
  const found = await explainUser({ user }, admin)
  return 'wrong' in found ? undefined : found
}

/** @returns `wrong`, the part of the question that is invalid, where it has no answer. */
export async function explainUser(
  supposed: Supposed,
  { services: { explain, records, clock } }: AdminConsole,
): Promise<UserStatus | { readonly wrong: WrongPart }> {
  const explanation = await explain(supposed)
  if ('wrong' in explanation) return explanation
  const sessions = await records.sessions.list({
    user: explanation.user,
    standing: { state: 'open', at: clock.now() },
    limit: MAX_SESSIONS,
  })
  const known = explanation.stores.find(({ answer }) => answer === 'known' || answer === 'barred')
  return {
    name: supposed.user,
    enrolments: explanation.enrolments,
    sessions,
    groups: known?.groups ?? [],
    directory: known?.store,
    explanation,
    outcome: outcomeOf(explanation),
  }
}

function outcomeOf({ outcome, stores, policy, locks, enrolments }: Explanation): Outcome {
  const last = stores.at(-1)
  const message = (key: MessageKey, values: MessageValues = {}) => ({ key, values })
  if (outcome.kind === 'would_pass')
    return message(`admin.outcome.${enrolments.length === 0 ? 'passPassword' : 'passBoth'}`, { policy })
  if (outcome.kind === 'would_enrol') return message('admin.outcome.enrols')
  if (outcome.kind === 'cannot_tell')
    return message(`admin.outcome.${unknownOf(outcome.reason, last?.answer)}`, { store: last?.store })
  switch (outcome.reason) {
    case 'locked':
      return message('admin.outcome.locked', { count: locks.length })
    case 'barred':
      return message('admin.outcome.barred', { store: last?.store, detail: last?.detail ?? '' })
    case 'bad_credentials':
      if (last === undefined) return message('admin.problem.unknown_user')
      return message('admin.outcome.unknown', { stores: stores.map(({ store }) => store).join(', ') })
    case 'no_second_factor':
      return message('admin.outcome.noAuthenticator')
    case 'no_policy':
      return message(`admin.outcome.${policy === undefined ? 'noPolicy' : 'policyRefuses'}`, { policy })
    default:
      return { stored: outcome.detail ?? outcome.words }
  }
}

/** What cannot be told: a store does not answer, has an expired password, or tells nobody whom it knows. */
function unknownOf(
  reason: Explanation['outcome']['reason'],
  answer: Explanation['stores'][number]['answer'] | undefined,
): 'cannotAsk' | 'onlyPassword' | 'onlyExpiredPassword' {
  if (reason !== undefined) return 'cannotAsk'
  return answer === 'barred' ? 'onlyExpiredPassword' : 'onlyPassword'
}
