import type { Request, Response, Router } from 'express'
import { parseDuration } from '../../domain/duration.ts'
import { Unavailable } from '../../domain/errors.ts'
import { canonicalUserName, usernameOf } from '../../domain/login-name.ts'
import { parseOctets } from '../../domain/octets.ts'
import { demandRightsOver } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import type { Explanation, WrongPart } from '../../manage/explain.ts'
import { readTimeline } from '../../manage/timeline.ts'
import type { Addition } from '../../manage/user-quotas.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import { shownQuota } from '../layout/shown-quota.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { maybeOf, searchText } from './filters.ts'
import { shownEntries } from './timeline.ts'
import { unansweredPromptsOf } from './unanswered-prompts.ts'
import { explainUser } from './user-status.ts'

const MAX_ENTRIES = 100
const MAX_TRUSTS = 20
const HOUR_MS = 3_600_000
/** How long an invitation can be valid, in milliseconds. */
const INVITATIONS: readonly number[] = [1, 24, 72].map((hours) => hours * HOUR_MS)
const DEFAULT_INVITATION_MS = 24 * HOUR_MS

const PROBLEMS: Readonly<Record<WrongPart, FormProblem>> = {
  user: 'unknown_user',
  gateway: 'gateway',
  address: 'address',
}

/** A user's page: whether a login would be let in, what happened, and the authenticator. */
export function userRoutes(router: Router, admin: AdminConsole): void {
  const {
    enrolling,
    inviting,
    trusts,
    userQuotas,
    webSessions,
    subjectOf,
    mayActOn,
    publicUrl,
    records,
    clock,
    gateways,
  } = admin.services

  router.get('/users', needs('explain'), (request, response) =>
    showUser(response, parameter(request, 'name')),
  )

  router.post('/users/revoke', needs('enrolments:write'), async (request, response) => {
    const name = field(request, 'name')
    const subject = field(request, 'subject')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showUser(response, name, context)
    await demandRightsOver(subject, callerOf(request), admin.services)
    if (await enrolling.revoke(subject, context)) await webSessions.deleteAllOf(usernameOf(subject))
    goTo(response, searchText('/desk/users', { name }))
  })

  router.post('/users/revoke-trusts', needs('enrolments:write'), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showUser(response, name, context)
    const user = await accountOf(name)
    if (user === undefined) return showUser(response, name, 'unknown_user')
    await trusts.revokeAllOf(user, context)
    goTo(response, searchText('/desk/users', { name }))
  })

  router.post('/users/add-quota', needs('users:write'), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showUser(response, name, context)
    const addition = additionOf(field(request, 'amount').trim())
    if (addition === undefined) return showUser(response, name, 'amount')
    const added = await userQuotas.add(name, addition, context)
    if (added === undefined) return showUser(response, name, 'unknown_user')
    if (added === 'no_quota') return showUser(response, name, 'no_quota')
    goTo(response, searchText('/desk/users', { name }))
  })

  router.post('/users/invite', needs('enrolments:write'), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showUser(response, name, context)
    const subject = await subjectOf(name)
    if (subject === undefined) return showUser(response, name, 'unknown_user')
    await demandRightsOver(subject, callerOf(request), admin.services)
    const validMs = INVITATIONS.find((each) => String(each) === field(request, 'for'))
    const { code, until } = await inviting.invite(subject, context, validMs ?? DEFAULT_INVITATION_MS)
    admin.show(response, {
      view: 'invited',
      title: (t) => t('admin.invited.title', { user: name }),
      width: 'slim',
      area: 'users',
      data: { name, code, until, page: publicUrl === undefined ? undefined : `${publicUrl}/enrol` },
    })
  })

  async function showUser(response: Response, name: string, problem?: FormProblem): Promise<void> {
    const gateway = maybeOf(response.req, 'gateway', gateways)
    const address = parameter(response.req, 'address')
    const supposed = { user: name, gateway, address: address === '' ? undefined : address }
    const status = name === '' ? undefined : await explainUser(supposed, admin)
    const wrong = status !== undefined && 'wrong' in status ? PROBLEMS[status.wrong] : undefined
    const isKnown = status !== undefined && wrong === undefined
    const account = status === undefined || 'wrong' in status ? undefined : accountIn(status.explanation)
    admin.show(response, {
      view: isKnown ? 'user' : 'users',
      title: (t) => (isKnown ? name : t('admin.users.title')),
      area: 'users',
      problem: problem ?? wrong,
      data: {
        typed: { name, gateway, address },
        status,
        invitations: INVITATIONS,
        defaultInvitation: DEFAULT_INVITATION_MS,
        quotas: (account === undefined ? [] : ((await userQuotas.find(name))?.standings ?? [])).map(
          shownQuota,
        ),
        mayAct: isKnown && (await mayActOnUser(response.req, name)),
        trusts: isKnown ? await findTrusts(account ?? usernameOf(name)) : [],
        ...(isKnown && (await findTimeline(account ?? usernameOf(name), usernameOf(name)))),
      },
    })
  }

  /** While an identity store cannot be asked: what was typed. */
  async function accountOf(name: string): Promise<string | undefined> {
    try {
      return (await subjectOf(name)) ?? canonicalUserName(name)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      return canonicalUserName(name)
    }
  }

  /** What would be refused is not offered. */
  async function mayActOnUser(request: Request, name: string): Promise<boolean> {
    try {
      return await mayActOn(name, callerOf(request).scopes)
    } catch (error) {
      if (error instanceof Unavailable) return false
      throw error
    }
  }

  function findTrusts(user: string) {
    return records.trusts.list({ user, now: clock.now(), limit: MAX_TRUSTS })
  }

  /** @param typed sessions are found by the name that was typed. */
  async function findTimeline(user: string, typed: string) {
    const until = clock.now()
    const subject = { kind: 'user', user, typed } as const
    const [{ entries }, unanswered] = await Promise.all([
      readTimeline(subject, records, { now: until, limit: MAX_ENTRIES }),
      unansweredPromptsOf(user, records.audit, until),
    ])
    return {
      unanswered,
      timeline: shownEntries(entries),
      moreLink: searchText('/desk/timeline', { user: typed }),
    }
  }
}

/** The canonical username of the account, by which events and lockouts are kept; undefined where no store knows the user. */
function accountIn({ stores }: Pick<Explanation, 'stores'>): string | undefined {
  const subject = stores.find(({ answer }) => answer === 'known')?.subject
  return subject && usernameOf(subject)
}

/** Reads `10GB` as traffic, and `5h` as time. */
function additionOf(typed: string): Addition | undefined {
  const octets = parseOctets(typed) ?? 0
  const seconds = Math.floor((parseDuration(typed) ?? 0) / 1000)
  return octets + seconds > 0 ? { octets, seconds } : undefined
}
