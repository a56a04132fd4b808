import { Unavailable } from '../../domain/errors.ts'
import type { LookupAnswer } from '../../domain/identity-provider.ts'
import { subjectOf } from '../../domain/person.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import { identify } from '../identify.ts'
import type { Login } from '../login.ts'
import { accountIn, signedOnUser, type VerifiedUser } from './first-factor.ts'
import type { LoginContext } from './load-context.ts'

/**
 * Whose account is it that the provider has signed in? The identity stores are asked in the order of a login, so that
 * limits, lockouts and authenticators are those of the same person. A store that needs the password to tell whether a
 * user may log in cannot be asked. A namesake in a later store is refused: with a password, the user of the earlier
 * store comes first.
 */
export async function recogniseClaims(context: LoginContext, login: Login): Promise<VerifiedUser | Refusal> {
  const { claims, attempt } = login
  if (claims === undefined) throw new Error('nobody was signed in by the provider')
  let outage: Unavailable | undefined
  let passedOver: string | undefined
  for (const candidate of context.candidates) {
    const { store, name } = candidate
    if (store.needsPassword === true) {
      passedOver ??= store.name
      continue
    }
    let answer: LookupAnswer
    try {
      answer = await store.lookup(name, attempt.deadline)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      outage = error
      if (!candidate.mayBeMissing) throw error
      continue
    }
    if (answer.kind === 'unknown') continue
    login.decidedAt = store.name
    login.account = accountIn(candidate)
    if (passedOver !== undefined) return noGuess(refuse('bad_credentials', mayBeOf(passedOver, store.name)))
    if (answer.kind === 'barred') return noGuess(refuse('barred', `${store.name}: ${answer.detail}`))
    const { groups, attributes, endsAt, record, notice } = answer.account
    const subject = subjectOf(candidate, answer.account)
    const identified = await identify(context, { source: store.name, subject }, login)
    if (identified.kind === 'refusal') return identified
    login.isPasswordRight = true
    const person = { subject, source: store.name, groups, attributes, endsAt, record, notice }
    return signedOnUser(identified, person, claims)
  }
  // The store that could not be asked may be the one that knows the user.
  if (outage !== undefined) throw outage
  login.decidedAt = 'everybody'
  return noGuess(refuse('bad_credentials', 'single sign-on: no identity store knows the user'))
}

function mayBeOf(earlier: string, store: string): string {
  return `single sign-on: ${earlier} may know the user, and comes before ${store} in identity.order`
}

/** The provider has checked who it is: there was nothing to guess. */
function noGuess(refusal: Refusal): Refusal {
  return { ...refusal, counts: false }
}
