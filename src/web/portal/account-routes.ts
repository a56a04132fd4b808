import type { Request, Response, Router } from 'express'
import type { AuditEvent, AuditKind } from '../../domain/audit.ts'
import type { Lockout } from '../../domain/lockout.ts'
import type { Session } from '../../domain/session.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { addressOf } from '../../http/peer.ts'
import { visitOf } from '../../http/visit.ts'
import { PORTAL } from '../../login/sign-in.ts'
import { field, goTo } from '../frame/forms.ts'
import type { Portal, PortalPage } from './portal.ts'
import { showRecoveryCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'
import type { Deed } from './words.ts'

const MOST_LOCKS = 10
const MOST_SESSIONS = 5
/** Sessions that are looked through for those of this very user: others may share the name in another realm. */
const SEARCHED_SESSIONS = 50
const MOST_EVENTS = 15
/** What is told to users of their own account. */
const SHOWN_KINDS: readonly AuditKind[] = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'lockout.made',
  'lockout.released',
  'enrolment.made',
  'enrolment.revoked',
  'recovery_codes.made',
  'invitation.made',
  'user.changed',
]
const DEEDS: readonly Deed[] = ['replace', 'remove', 'recovery-codes']

/** What users may see and change once they are signed in. */
export function accountRoutes(router: Router, portal: Portal): void {
  for (const deed of DEEDS) {
    router.get(`/authenticator/${deed}`, (request, response) => {
      if (visitOf(request).session?.stage !== 'in') return goTo(response, '/')
      showProve(request, response, portal, deed)
    })

    router.post(`/authenticator/${deed}`, async (request, response) => {
      const { signingIn } = portal.dependencies
      if (visitOf(request).session?.stage !== 'in') return goTo(response, '/')
      const outcome = await signingIn.again(request, field(request, 'code'))
      if (outcome.kind === 'refusal')
        return showProve(request, response, portal, deed, portal.problemOf(outcome, 'code'))
      const { session } = visitOf(request)
      if (session?.subject === undefined) return goTo(response, '/')
      await PERFORM[deed](request, response, portal, { ...session, subject: session.subject })
    })
  }
}

type SignedInSession = WebSession & { readonly subject: string }

/** What follows on the right code. */
const PERFORM: Readonly<
  Record<Deed, (request: Request, response: Response, portal: Portal, of: SignedInSession) => Promise<void>>
> = {
  async replace(request, response, portal, session) {
    const { enrolling, records } = portal.dependencies
    const present = await records.enrolmentRegister.find(session.subject)
    const { id } = await enrolling.begin(session.subject, session.typed, present?.id ?? null)
    await visitOf(request).change({ ...session, notes: { enrolment: id } })
    goTo(response, '/enrol')
  },

  async remove(request, response, portal, session) {
    await portal.dependencies.enrolling.revoke(session.subject, deedOf(request))
    await signOutOthers(portal, session)
    await visitOf(request).end()
    portal.show(request, response, { view: 'removed', title: ({ removed }) => removed.title })
  },

  async 'recovery-codes'(request, response, portal, session) {
    const { subject, typed: name } = session
    const codes = await portal.dependencies.enrolling.renewRecoveryCodes(subject, deedOf(request))
    if (codes === undefined) return goTo(response, '/')
    showRecoveryCodes(request, response, portal, { codes, name, isNew: false, next: '/' })
  },
}

function deedOf(request: Request) {
  return { address: addressOf(request), reason: 'at the portal' }
}

function showProve(
  request: Request,
  response: Response,
  portal: Portal,
  deed: Deed,
  problem: Pick<PortalPage, 'problem' | 'status'> = {},
): void {
  const { of } = portal.wordsFor(request).prove
  portal.show(request, response, {
    view: 'prove',
    title: ({ prove }) => prove.of[deed].title,
    data: { deed: of[deed], action: `/authenticator/${deed}`, isRemoval: deed === 'remove' },
    ...problem,
  })
}

export async function showAccount(
  request: Request,
  response: Response,
  portal: Portal,
  { subject = '', user }: WebSession,
): Promise<void> {
  const { records, clock, tellLocked } = portal.dependencies
  const [enrolment, locks, sessions, events] = await Promise.all([
    records.enrolmentRegister.find(subject),
    locksOn(user),
    records.sessionDesk.search({ user, limit: SEARCHED_SESSIONS }),
    records.auditTrail.search({ user, kinds: SHOWN_KINDS, order: 'newest', limit: MOST_EVENTS }),
  ])
  // Revoked meanwhile, by somebody else: there is nothing to show, and a new one may be set up.
  if (enrolment === undefined) {
    await visitOf(request).end()
    return goTo(response, '/')
  }
  portal.show(request, response, {
    view: 'account',
    title: ({ account }) => account.title,
    width: 'narrow',
    data: {
      enrolment,
      locks,
      sessions: ownSessions(sessions, subject),
      events: events.map((event) => ({ ...event, tone: toneOf(event) })),
      portal: PORTAL,
    },
  })

  async function locksOn(name: string): Promise<readonly Lockout[]> {
    if (!tellLocked) return []
    const search = { user: name, state: 'in_force', now: clock.now(), order: 'newest' } as const
    return records.lockoutDesk.search({ ...search, limit: MOST_LOCKS })
  }
}

function ownSessions(sessions: readonly Session[], subject: string): readonly Session[] {
  return sessions.filter((session) => session.subject === subject).slice(0, MOST_SESSIONS)
}

function toneOf({ kind }: AuditEvent): string {
  if (kind === 'login.accepted' || kind === 'enrolment.made') return 'good'
  return kind === 'login.refused' || kind === 'lockout.made' ? 'bad' : ''
}
