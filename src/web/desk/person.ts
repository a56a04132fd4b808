import type { Request, Response } from 'express'
import { Unavailable } from '../../domain/errors.ts'
import { nearestNames } from '../../domain/known-names.ts'
import type { Lockout } from '../../domain/lockout.ts'
import { canonicalUserName, usernameOf } from '../../domain/login-name.ts'
import { type PasswordLink, passwordLinkStateOf } from '../../domain/password-link.ts'
import { type Session, stateOf } from '../../domain/session.ts'
import { demandSight } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import type { Explanation, WrongPart } from '../../manage/explain.ts'
import { readTimeline } from '../../manage/timeline.ts'
import { parameter } from '../layout/forms.ts'
import { shownQuota } from '../layout/shown-quota.ts'
import type { AdminConsole, FormProblem } from './console.ts'
import { maybeOf, oneOf, personPath, searchText } from './filters.ts'
import { shownEntries } from './timeline.ts'
import { unansweredPromptsOf } from './unanswered-prompts.ts'
import { explainUser, type UserStatus } from './user-status.ts'

const TABS = ['timeline', 'sessions', 'authenticators', 'account'] as const
const MAX_ENTRIES = 100
const MAX_SESSIONS = 20
const MAX_MAILS = 10
const MAX_TRUSTS = 20
const MAX_LOCKOUTS = 20
/** Names that are looked through for one that is meant, and those that are shown. */
const MAX_NAMES = 100_000
const MAX_NEAREST = 5
const HOUR_MS = 3_600_000
/** How long an invitation can be valid, in milliseconds. */
export const INVITATIONS: readonly number[] = [1, 24, 72].map((hours) => hours * HOUR_MS)
export const DEFAULT_INVITATION_MS = 24 * HOUR_MS

const PROBLEMS: Readonly<Record<WrongPart, FormProblem>> = {
  user: 'unknown_user',
  gateway: 'gateway',
  address: 'address',
}

/** Everything about one user: the verdict, what can be done, and a tab for each kind of record. */
export class PersonPage {
  readonly #admin: AdminConsole

  constructor(admin: AdminConsole) {
    this.#admin = admin
  }

  async show(response: Response, name: string, problem?: FormProblem): Promise<void> {
    const { gateways } = this.#admin.services
    const request = response.req
    await demandSight(name, callerOf(request), this.#admin.services)
    const gateway = maybeOf(request, 'gateway', gateways)
    const address = parameter(request, 'address')
    const supposed = { user: name, gateway, address: address === '' ? undefined : address }
    const status = await explainUser(supposed, this.#admin)
    const typed = { name, gateway, address }
    if ('wrong' in status) return this.#showWrong(response, typed, problem ?? PROBLEMS[status.wrong])
    const account = accountIn(status.explanation)
    const user = account ?? usernameOf(name)
    const tab = oneOf(request, 'tab', TABS)
    const locks = await this.#locksOf(request, user, status.explanation)
    const isUnknown = account === undefined && isNowhere(status.explanation)
    this.#admin.show(response, {
      view: 'person',
      title: () => name,
      area: 'users',
      problem,
      data: {
        typed,
        status,
        tab,
        tabs: TABS.map((each) => ({ tab: each, href: searchText(personPath(name), { tab: each }) })),
        locks,
        dependsOnAddress: status.explanation.elsewhere.length > 0,
        isUnknown,
        nearest: isUnknown ? await this.#nearest(request, name) : [],
        unanswered: await this.#unanswered(request, user),
        invitations: INVITATIONS,
        defaultInvitation: DEFAULT_INVITATION_MS,
        sendsMail: this.#admin.services.inviting.mails !== undefined,
        mayAct: await this.#mayAct(request, name),
        ...(await this.#tabOf(request, tab, name, user, subjectIn(status.explanation))),
      },
    })
  }

  /** What was asked cannot be answered: the form alone, with what was typed. */
  #showWrong(response: Response, typed: object, problem: FormProblem): void {
    this.#admin.show(response, {
      view: 'person-wrong',
      title: (t) => t('admin.users.title'),
      area: 'users',
      problem,
      data: { typed },
    })
  }

  /** All in force of the user, from wherever, and those of the address that was asked about. */
  async #locksOf(request: Request, user: string, { locks }: Explanation): Promise<readonly Lockout[]> {
    const { clock } = this.#admin.services
    const standing = { state: 'in_force', at: clock.now() } as const
    const own = await this.#admin.recordsOf(request).lockouts.list({ user, standing, limit: MAX_LOCKOUTS })
    const others = locks.filter((lock) => !own.some(({ id }) => id === lock.id))
    return [...own, ...others]
  }

  #unanswered(request: Request, user: string) {
    const { audit } = this.#admin.recordsOf(request)
    return unansweredPromptsOf(user, audit, this.#admin.services.clock.now())
  }

  async #nearest(request: Request, name: string): Promise<readonly string[]> {
    const wanted = usernameOf(name)
    const { names } = this.#admin.recordsOf(request)
    return nearestNames(await names.list({ limit: MAX_NAMES, length: wanted.length }), wanted, MAX_NEAREST)
  }

  /** What would be refused is not offered. */
  async #mayAct(request: Request, name: string): Promise<boolean> {
    try {
      return await this.#admin.services.mayActOn(name, callerOf(request).rights)
    } catch (error) {
      if (error instanceof Unavailable) return false
      throw error
    }
  }

  async #tabOf(
    request: Request,
    tab: (typeof TABS)[number],
    name: string,
    user: string,
    subject: string | undefined,
  ) {
    const { records: all, userQuotas, passwordLinks, clock } = this.#admin.services
    const records = this.#admin.recordsOf(request)
    const now = clock.now()
    switch (tab) {
      case 'timeline': {
        const subject = { kind: 'user', user, typed: usernameOf(name) } as const
        const { entries } = await readTimeline(subject, records, { now, limit: MAX_ENTRIES })
        return {
          timeline: shownEntries(entries),
          moreLink: searchText('/desk/timeline', { user: usernameOf(name) }),
        }
      }
      case 'sessions':
        return {
          sessions: await records.sessions.list({ user: usernameOf(name), limit: MAX_SESSIONS }),
          stateOf: (session: Session) => stateOf(session, now),
        }
      case 'authenticators':
        return {
          trusts: await records.trusts.list({ user, now, limit: MAX_TRUSTS }),
          passkeys: await this.#admin.services.passkeys.of(subject ?? canonicalUserName(name) ?? name),
        }
      case 'account': {
        const quotas = subject === undefined ? undefined : await userQuotas.find(name)
        const local = canonicalUserName(name)
        const user = local === undefined ? undefined : await all.users.find(local)
        return {
          quotas: (quotas?.standings ?? []).map(shownQuota),
          local: user && { name: user.name, hasPassword: user.passwordHash !== undefined },
          passwordLink: user && shownLink(await passwordLinks.ofUser(user.name), now),
          mails: await all.mails.list({ user: usernameOf(name), limit: MAX_MAILS }),
        }
      }
    }
  }
}

/** What has become of the latest link, and when it did, or will. */
function shownLink(link: PasswordLink | undefined, now: number) {
  return link && { state: passwordLinkStateOf(link, now), at: link.expiresAt }
}

/** Whether no identity store has the name, and each could say so. */
function isNowhere({ stores }: UserStatus['explanation']): boolean {
  return stores.every(({ answer }) => answer === 'unknown')
}

/** The canonical username of the account, by which events and lockouts are kept; undefined where no store knows the user. */
function accountIn(explanation: Pick<Explanation, 'stores'>): string | undefined {
  const subject = subjectIn(explanation)
  return subject && usernameOf(subject)
}

/** Under which authenticators are kept. */
function subjectIn({ stores }: Pick<Explanation, 'stores'>): string | undefined {
  return stores.find(({ answer }) => answer === 'known' || answer === 'barred')?.subject
}
