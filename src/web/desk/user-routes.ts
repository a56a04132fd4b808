import type { Router } from 'express'
import { parseDuration } from '../../domain/duration.ts'
import { Unavailable } from '../../domain/errors.ts'
import { canonicalUserName, usernameOf } from '../../domain/login-name.ts'
import { parseOctets } from '../../domain/octets.ts'
import { reachOf } from '../../domain/scope.ts'
import { demandRightsOver, demandSight } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import type { Addition } from '../../manage/user-quotas.ts'
import { field, goTo } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, isContext } from './console.ts'
import { personPath } from './filters.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS, PersonPage } from './person.ts'

/** A user's page, and what is done there. */
export function userRoutes(router: Router, admin: AdminConsole): void {
  const {
    enrolling,
    inviting,
    passkeys,
    trusts,
    userQuotas,
    webSessions,
    subjectOf,
    lockouts,
    mayActOn,
    publicUrl,
  } = admin.services
  const person = new PersonPage(admin)

  router.get('/users/:name', needs('explain', true), (request, response) =>
    person.show(response, String(request.params.name)),
  )

  router.post('/users/release', needs('lockouts:write', true), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    const user = await accountOf(name)
    if (user === undefined) return person.show(response, name, 'unknown_user')
    const { rights } = callerOf(request)
    const { left } = await lockouts.release(
      { filter: { user: usernameOf(user) } },
      {
        by: context.actor,
        reason: context.reason,
        over: reachOf(rights, 'lockouts:write'),
        mayActOn: (target) => mayActOn(target, rights),
      },
    )
    if (left.some(({ why }) => why === 'forbidden')) throw new Problem('missing-scope')
    goTo(response, personPath(name))
  })

  router.post('/users/revoke', needs('enrolments:write', true), async (request, response) => {
    const name = field(request, 'name')
    const subject = field(request, 'subject')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    await demandRightsOver(subject, callerOf(request), admin.services)
    const id = field(request, 'id') || undefined
    if (await enrolling.revoke(subject, context, id)) await webSessions.deleteAllOf(usernameOf(subject))
    goTo(response, personPath(name))
  })

  router.post('/users/revoke-passkey', needs('enrolments:write', true), async (request, response) => {
    const name = field(request, 'name')
    const subject = field(request, 'subject')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    await demandRightsOver(subject, callerOf(request), admin.services)
    await passkeys.remove(field(request, 'id'), subject, context)
    goTo(response, `${personPath(name)}?tab=authenticators`)
  })

  router.post('/users/revoke-trusts', needs('enrolments:write', true), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    const user = await accountOf(name)
    if (user === undefined) return person.show(response, name, 'unknown_user')
    const caller = callerOf(request)
    if (reachOf(caller.rights, 'enrolments:write') !== undefined)
      await demandRightsOver(user, caller, admin.services)
    await trusts.revokeAllOf(user, context)
    goTo(response, personPath(name))
  })

  router.post('/users/add-quota', needs('users:write'), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    const addition = additionOf(field(request, 'amount').trim())
    if (addition === undefined) return person.show(response, name, 'amount')
    const added = await userQuotas.add(name, addition, context)
    if (added === undefined) return person.show(response, name, 'unknown_user')
    if (added === 'no_quota') return person.show(response, name, 'no_quota')
    goTo(response, personPath(name))
  })

  router.post('/users/invite', needs('enrolments:write', true), async (request, response) => {
    const name = field(request, 'name')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, name, context)
    await demandSight(name, callerOf(request), admin.services)
    const subject = await subjectOf(name)
    if (subject === undefined) return person.show(response, name, 'unknown_user')
    await demandRightsOver(subject, callerOf(request), admin.services)
    const validMs = INVITATIONS.find((each) => String(each) === field(request, 'for'))
    const recipient = field(request, 'by') === 'mail' ? await inviting.mails?.recipientOf(subject) : undefined
    if (recipient === 'barred') return person.show(response, name, 'unknown_user')
    if (typeof recipient === 'string') return person.show(response, name, recipient)
    const lasts = validMs ?? DEFAULT_INVITATION_MS
    const { code, until } = await inviting.invite(subject, context, lasts, recipient)
    admin.show(response, {
      view: 'invited',
      isSecret: true,
      title: (t) => t('admin.invited.title', { user: name }),
      width: 'slim',
      area: 'users',
      data: {
        ...{ name, code, until, mailedTo: recipient?.address },
        page: publicUrl === undefined ? undefined : `${publicUrl}/enrol`,
      },
    })
  })

  /** While an identity store cannot be asked: what was typed. */
  async function accountOf(name: string): Promise<string | undefined> {
    try {
      return (await subjectOf(name)) ?? canonicalUserName(name)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      return canonicalUserName(name)
    }
  }
}

/** Reads `10GB` as traffic, and `5h` as time. */
function additionOf(typed: string): Addition | undefined {
  const octets = parseOctets(typed) ?? 0
  const seconds = Math.floor((parseDuration(typed) ?? 0) / 1000)
  return octets + seconds > 0 ? { octets, seconds } : undefined
}
