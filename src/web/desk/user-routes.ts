import type { Request, Response, Router } from 'express'
import { stemOf } from '../../domain/login-name.ts'
import type { Supposed } from '../../manage/explain.ts'
import { field, goTo, parameter } from '../frame/forms.ts'
import { needs } from './admission.ts'
import type { Desk } from './desk.ts'
import { maybeOf, searchText } from './filters.ts'
import { explainUser } from './standing.ts'
import { timelineOf } from './timeline.ts'
import type { FormProblem } from './words.ts'

const MOST_EVENTS = 100
const MOST_SESSIONS = 50
const MOST_LOCKOUTS = 20
const HOUR_MS = 3_600_000
/** For how long an invitation may be good, in milliseconds. */
const INVITATIONS: readonly number[] = [1, 24, 72].map((hours) => hours * HOUR_MS)
const USUAL_INVITATION_MS = 24 * HOUR_MS

const PROBLEMS: Readonly<Record<keyof Supposed, FormProblem>> = {
  user: 'unknown_user',
  gateway: 'gateway',
  address: 'address',
}

/** All about one user: what a login would come to, what happened, and what can be done about the authenticator. */
export function userRoutes(router: Router, desk: Desk): void {
  const { enrolling, inviting, sessions, subjectOf, publicUrl } = desk.dependencies

  router.get('/users', needs('explain'), (request, response) =>
    showUser(request, response, parameter(request, 'name')),
  )

  router.post('/users/revoke', needs('enrolments:write'), async (request, response) => {
    const name = field(request, 'name')
    const subject = field(request, 'subject')
    const deed = desk.deedIn(request)
    if (deed === undefined) return showUser(request, response, name, 'reason')
    if (await enrolling.revoke(subject, deed)) await sessions.deleteAllOf(stemOf(subject))
    goTo(response, searchText('/desk/users', { name }))
  })

  router.post('/users/invite', needs('enrolments:write'), async (request, response) => {
    const name = field(request, 'name')
    const deed = desk.deedIn(request)
    if (deed === undefined) return showUser(request, response, name, 'reason')
    const subject = await subjectOf(name)
    if (subject === undefined) return showUser(request, response, name, 'unknown_user')
    const forMs = INVITATIONS.find((each) => String(each) === field(request, 'for')) ?? USUAL_INVITATION_MS
    const { code, until } = await inviting.invite(subject, deed, forMs)
    desk.show(request, response, {
      view: 'invited',
      title: ({ invited }) => invited.title(name),
      width: 'slim',
      area: 'users',
      data: { name, code, until, page: publicUrl === undefined ? undefined : `${publicUrl}/enrol` },
    })
  })

  async function showUser(
    request: Request,
    response: Response,
    name: string,
    problem?: FormProblem,
  ): Promise<void> {
    const gateway = maybeOf(request, 'gateway', desk.dependencies.gateways)
    const typedAddress = parameter(request, 'address')
    const typed = { name, gateway, address: typedAddress }
    const supposed = { user: name, gateway, address: typedAddress === '' ? undefined : typedAddress }
    const standing = name === '' ? undefined : await explainUser(supposed, desk)
    const wrong = standing !== undefined && 'wrong' in standing ? PROBLEMS[standing.wrong] : undefined
    const isKnown = standing !== undefined && wrong === undefined
    desk.show(request, response, {
      view: isKnown ? 'user' : 'users',
      title: ({ users }) => (isKnown ? name : users.title),
      area: 'users',
      problem: problem ?? wrong,
      data: {
        ...{ typed, standing, invitations: INVITATIONS, usualInvitation: USUAL_INVITATION_MS },
        ...(isKnown && (await tell(stemOf(name)))),
      },
    })
  }

  async function tell(user: string) {
    const { records, clock } = desk.dependencies
    const until = clock.now()
    const [events, vpnSessions, lockouts] = await Promise.all([
      records.auditTrail.search({ user, order: 'newest', limit: MOST_EVENTS }),
      records.sessionDesk.search({ user, limit: MOST_SESSIONS }),
      records.lockoutDesk.search({ user, now: until, order: 'newest', limit: MOST_LOCKOUTS }),
    ])
    // Where older events are left out, so is everything else that is older.
    const since = events.length < MOST_EVENTS ? 0 : (events.at(-1)?.at ?? 0)
    return {
      timeline: timelineOf({ events, sessions: vpnSessions, lockouts, since, until }),
      auditLink: searchText('/desk/audit', { user }),
    }
  }
}
