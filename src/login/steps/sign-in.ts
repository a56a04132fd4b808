import { noticeWords } from '../../domain/account-state.ts'
import { Unavailable } from '../../domain/errors.ts'
import { type CodeUse, showsSecondFactor } from '../../domain/login-records.ts'
import type { Person } from '../../domain/person.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { type Endings, endingsOf, usernamesOf } from '../../domain/web-session.ts'
import { type AskForCode, askAgain } from '../ask-for-code.ts'
import type { Login } from '../login.ts'
import type { PasskeyUser } from './check-passkey.ts'
import { notAdmitted } from './grant.ts'
import type { LoginContext } from './load-context.ts'
import type { EnrolmentTicket } from './redeem-ticket.ts'
import type { AuthenticatedUser } from './second-factor.ts'

type More = Pick<SignedIn, 'endings'> & Partial<Pick<SignedIn, 'ticket' | 'enrolment' | 'passkey'>>

let signedIn: (person: Person, factors: 1 | 2, more: More) => SignedIn

/** Permission to use the pages. Only this file can make one, after the records hold it. */
export class SignedIn {
  readonly kind = 'signed_in'
  readonly person: Person
  /** 1: there is no authenticator yet, and the user may enrol one. 2: its code was right, or a passkey has answered. */
  readonly factors: 1 | 2
  /** Present: the user may enrol an authenticator and do nothing else. */
  readonly ticket: EnrolmentTicket['from'] | undefined
  /** The identifier of the authenticator whose code was right; with a recovery code, that of the oldest. */
  readonly enrolment: string | undefined
  /** The identifier of the passkey that has answered. */
  readonly passkey: string | undefined
  /** What had ended the user's browser sessions before the records admitted the user. */
  readonly endings: Endings

  private constructor(person: Person, factors: 1 | 2, { ticket, enrolment, passkey, endings }: More) {
    this.person = person
    this.factors = factors
    this.ticket = ticket
    this.enrolment = enrolment
    this.passkey = passkey
    this.endings = endings
  }

  static {
    signedIn = (person, factors, more) => new SignedIn(person, factors, more)
  }
}

/** Spends the code where there is one, and records who signed in. */
export async function signIn(
  user: AuthenticatedUser | EnrolmentTicket | PasskeyUser,
  login: Login,
): Promise<SignedIn | AskForCode | Refusal> {
  if (user.kind === 'ticket') {
    const { context, subject, from } = user
    const endings = await endingsBefore(subject, login)
    const person = { subject, source: `enrolment ticket from ${from}`, groups: [], attributes: {} }
    return (
      (await admit(context, person, { kind: 'none' }, login)) ??
      signedIn(person, 1, { ticket: from, endings })
    )
  }
  if (user.kind === 'passkey') {
    const { context, person, answer } = user
    const { id: passkey } = answer.passkey
    const endings = await endingsBefore(person.subject, login)
    return (
      (await admit(context, person, { kind: 'passkey', passkey }, login)) ??
      signedIn(person, 2, { passkey, endings })
    )
  }
  const { person, codeUse, isVouchedFor } = user
  const endings = await endingsBefore(person.subject, login)
  const refusal = await admit(user.user.verified.context, person, codeUse, login, isVouchedFor)
  if (refusal !== undefined) return askAgain(user.user, refusal, login)
  if (isVouchedFor) return signedIn(person, 2, { endings })
  return signedIn(person, showsSecondFactor(codeUse) ? 2 : 1, { enrolment: authenticatorOf(user), endings })
}

function authenticatorOf({ codeUse, user }: AuthenticatedUser): string | undefined {
  if (codeUse.kind === 'totp') return codeUse.enrolment
  return user.enrolments.toSorted((one, other) => one.createdAt - other.createdAt)[0]?.id
}

/**
 * Read before the records admit the user: a lockout or a revocation that they do not know yet ends this sign-in too.
 * Only now both names are known.
 */
function endingsBefore(subject: string, { attempt, options }: Login): Promise<Endings> {
  return endingsOf(usernamesOf({ user: attempt.name.username, subject }), options.endings)
}

/**
 * Spends the code, in the same transaction as the event: of any number of sign-ins with one code, one gets in.
 * @returns the refusal, where the records refuse.
 */
async function admit(
  { query }: LoginContext,
  { source, notice }: Person,
  codeUse: CodeUse,
  login: Login,
  isVouchedFor = false,
): Promise<Refusal | undefined> {
  const { records, clock } = login.options
  if (clock.monotonic() >= login.attempt.deadline)
    throw new Unavailable('sign-in', 'the deadline passed before the end')
  const now = clock.now()
  const bySignOn = login.claims === undefined ? '' : 'single sign-on, '
  const factors = isVouchedFor ? 'single sign-on with two factors' : `${bySignOn}${codeUse.kind}`
  const event = login.event('login.accepted', {
    detail: `signed in, ${source}, ${factors}${noticeWords(notice)}`,
  })
  login.admission = {
    query: { ...query, now },
    // A password alone, or an enrolment ticket, takes no failures back.
    forgives: isVouchedFor || showsSecondFactor(codeUse),
    isExempt: login.isExempt,
    codeUse,
    event,
  }
  const answer = await records.admit(login.admission)
  login.admission = undefined
  return answer.kind === 'admitted' ? undefined : notAdmitted(answer, codeUse, now)
}
