import { Unavailable } from '../../domain/errors.ts'
import { type Person, subjectOf } from '../../domain/person.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import { identify } from '../identify.ts'
import type { Login } from '../login.ts'
import type { VerifiedPasskey } from '../passkey-assertions.ts'
import type { LoginContext } from './load-context.ts'

/** A passkey that has answered, in what is known of the login. */
export interface ShownPasskey {
  readonly kind: 'shown'
  readonly context: LoginContext
  readonly answer: VerifiedPasskey
}

/** The owner of the passkey, as an identity store knows them now. */
export interface PasskeyUser {
  readonly kind: 'passkey'
  readonly context: LoginContext
  readonly answer: VerifiedPasskey
  readonly person: Person
}

/** What the answers of passkeys are good for at the pages. */
export const SIGN_IN = 'sign-in'
export const STEP_UP = 'step-up'

/** Verifies the answer of a passkey: possession, and the user verified by the authenticator. Two factors. */
export async function checkPasskey(context: LoginContext, login: Login): Promise<ShownPasskey | Refusal> {
  const { attempt, options, signedInAs } = login
  const { typed, browser, address } = attempt
  login.decidedAt = 'passkey'
  if (options.passkeys === undefined || browser === undefined)
    return refuse('passkey_refused', 'passkeys are not offered here')
  const purpose = signedInAs === undefined ? SIGN_IN : STEP_UP
  const answer = await options.passkeys.verify(typed.reveal(), { purpose, browser }, address)
  if (answer.kind === 'refused') return refuse('passkey_refused', answer.detail)
  if (signedInAs !== undefined && signedInAs.subject !== answer.subject)
    return refuse('passkey_refused', 'it is the passkey of another user')
  return { kind: 'shown', context, answer }
}

/**
 * Asks the identity stores for the owner: one who was removed, disabled or has expired does not get in. No store that
 * tells this to a password alone lets a passkey in without one.
 */
export async function findPasskeyOwner(
  { context, answer }: ShownPasskey,
  login: Login,
): Promise<PasskeyUser | Refusal> {
  const person = login.signedInAs ?? (await ownerIn(context, answer.subject, login))
  if ('kind' in person) return person
  const identified = await identify(context, person, login)
  if (identified.kind === 'refusal') return identified
  return { kind: 'passkey', context: identified, answer, person }
}

async function ownerIn(
  { candidates }: LoginContext,
  subject: string,
  { attempt }: Login,
): Promise<Person | Refusal> {
  let outage: Unavailable | undefined
  for (const candidate of candidates) {
    const { store, name, mayBeMissing } = candidate
    try {
      const answer = await store.lookup(name, attempt.deadline)
      if (answer.kind === 'unknown') continue
      if (answer.kind === 'barred')
        return { ...refuse('barred', `${store.name}: ${answer.detail}`), counts: false }
      if (subjectOf(candidate, answer.account) !== subject) continue
      if (store.needsPassword === true)
        return refuse('passkey_refused', `${store.name}: only a password tells whether the user may sign in`)
      const { groups, attributes, endsAt, record, notice } = answer.account
      return { subject, source: store.name, groups, attributes, endsAt, record, notice }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      outage ??= error
      if (!mayBeMissing) throw outage
    }
  }
  if (outage !== undefined) throw outage
  return refuse('passkey_refused', 'no identity store knows the owner any more')
}
