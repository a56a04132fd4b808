import type { Enrolment } from '../domain/enrolment.ts'
import type { Candidate } from '../domain/identity-provider.ts'
import { subjectOf } from '../domain/person.ts'
import type { Refusal } from '../domain/refusal.ts'
import { identify } from './identify.ts'
import type { Login } from './login.ts'
import { enrolmentsOf, type LoginContext } from './steps/load-context.ts'

interface Found {
  readonly kind: 'found'
  readonly context: LoginContext
  readonly enrolments: readonly Enrolment[]
}

/**
 * The authenticators by which what was typed is split into password and code. Where the name has none, the store is asked
 * whose it is: a mail address stands for an account that has one.
 * @throws Unavailable
 */
export async function enrolmentByLookup(
  candidate: Candidate,
  context: LoginContext,
  login: Login,
): Promise<Found | Refusal> {
  const { store, name, subject } = candidate
  const enrolments = enrolmentsOf(context, subject)
  const { mode } = login.rules
  const isNeeded = enrolments.length === 0 && (mode === 'append' || mode === 'either')
  if (!isNeeded || store.needsPassword === true) return { kind: 'found', context, enrolments }
  const answer = await store.lookup(name, login.attempt.deadline)
  const account = answer.kind === 'right' ? subjectOf(candidate, answer.account) : subject
  if (account === subject) return { kind: 'found', context, enrolments }
  const identified = await identify(context, { source: store.name, subject: account }, login)
  if (identified.kind === 'refusal') return identified
  return { kind: 'found', context: identified, enrolments: enrolmentsOf(identified, account) }
}
