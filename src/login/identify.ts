import { usernameOf } from '../domain/login-name.ts'
import type { AccountId } from '../domain/person.ts'
import { type Refusal, refuse } from '../domain/refusal.ts'
import type { Login } from './login.ts'
import { type LoginContext, readContext } from './steps/load-context.ts'

/**
 * An identity store has told whose account it is. From here limits, failures and lockouts count for that account, so
 * that a user with several names has one budget. If another name was typed, the account's limits and lockouts are looked
 * at now, as those of the typed name were before.
 * @throws Unavailable
 */
export async function identify(
  context: LoginContext,
  { source, subject }: AccountId,
  login: Login,
): Promise<LoginContext | Refusal> {
  const account = { source, subject }
  login.account = account
  const query = { ...context.query, account }
  const user = usernameOf(subject)
  if (user === login.user && query.subjects.includes(subject)) return { ...context, query }
  if (user !== login.user) {
    const limit = await login.permit?.identify(user, () => login.isAtKnownAddress())
    if (limit !== undefined)
      return refuse('rate_limited', `limit of attempts by ${limit.by}`, limit.retryAfterMs)
    login.user = user
  }
  const alias = user === query.user ? query.alias : query.user
  return readContext({ ...query, user, alias, subjects: [...query.subjects, subject] }, context, login)
}
