import type { Candidate } from '../domain/identity-provider.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import { subjectOf } from '../domain/person.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { SessionUse, WebSession } from '../domain/web-session.ts'
import type { RecheckedGroups } from './rechecked-groups.ts'

export interface PresentSessionOptions extends Pick<Runtime, 'clock'> {
  readonly candidates: (name: LoginName) => readonly Candidate[]
  /** Users of whom the broker has no record. */
  readonly rechecked: Pick<RecheckedGroups, 'groupsOf'>
  /** Otherwise a first enrolment needs an invitation. */
  readonly enrolsByPassword: boolean
  /** The issuer of the single sign-on, where there is one. */
  readonly provider?: string
  /** Milliseconds within which the records must answer. */
  readonly patienceMs: number
}

type Present = (session: WebSession, use: SessionUse) => Promise<WebSession | undefined>

/**
 * Holds a session against what is known of its user now. A local user: enabled, not expired, with the password of the
 * sign-in. Another store's user: what the store last said.
 * @returns the session with the present groups; undefined where it is over. @throws Unavailable
 */
export function presentSession({
  candidates,
  rechecked,
  enrolsByPassword,
  provider,
  clock,
  patienceMs,
}: PresentSessionOptions): Present {
  return async (session, use) => {
    // The configuration has lost the provider that the session began with.
    if (session.signedOn !== undefined && session.signedOn.issuer !== provider) return undefined
    if (session.stage === 'code') return session
    const isTicket = session.source === undefined
    if (isTicket && session.notes?.ticket === undefined) return undefined
    // It began before the configuration was changed.
    if (session.stage === 'enrol' && session.notes?.ticket !== 'invitation' && !enrolsByPassword)
      return undefined
    const candidate = candidateOf(session, candidates)
    // With a ticket: a user whom the broker has no record of. Otherwise the configuration has lost the store.
    if (candidate === undefined) return isTicket ? session : undefined
    const { store, name } = candidate
    if (store.isOwn !== true) {
      const { subject } = session
      const groups = subject === undefined ? undefined : await rechecked.groupsOf(candidate, subject, use)
      return groups && { ...session, groups: withClaimed(groups, session) }
    }
    const answer = await store.lookup(name, clock.monotonic() + patienceMs)
    if (isTicket) return answer.kind === 'barred' ? undefined : session
    if (answer.kind !== 'right') return undefined
    const { record, groups } = answer.account
    const isSame = record === session.record && subjectOf(candidate, answer.account) === session.subject
    return isSame ? { ...session, groups: withClaimed(groups, session) } : undefined
  }
}

/** Beside the groups of the identity store, those that the provider of the single sign-on told at the sign-in. */
function withClaimed(groups: readonly string[], { signedOn }: WebSession): readonly string[] {
  return signedOn === undefined ? groups : [...new Set([...groups, ...signedOn.groups])]
}

function candidateOf(
  { typed, subject, source }: WebSession,
  candidates: PresentSessionOptions['candidates'],
): Candidate | undefined {
  const name = parseLoginName(typed)
  const known = name === undefined ? [] : candidates(name)
  return known.find((each) =>
    source === undefined ? each.store.isOwn === true && each.subject === subject : each.store.name === source,
  )
}
