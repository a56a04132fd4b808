import type { Request, Response, Router } from 'express'
import type { LocalUser } from '../../domain/user.ts'
import { demandRightsOfGroups, demandRightsOver } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { field, goTo } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { personPath } from './filters.ts'
import { changeIn, formIn, formOf, type LocalUserForm, problemIn } from './local-user-form.ts'
import { isMade, makeLink, showLink } from './password-link-routes.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS, PersonPage } from './person.ts'

const ADD_PATH = '/desk/add-user'
const EMPTY: LocalUserForm = {
  ...{ name: '', groups: '', ipv4: '', ipv6: '', expires: '', mail: '', enabled: true, reason: '' },
}

/** Adds local users, and changes what is known of them. */
export function localUserRoutes(router: Router, admin: AdminConsole): void {
  const { users, records } = admin.services
  const person = new PersonPage(admin)

  router.get('/add-user', needs('users:write'), (_request, response) => showNew(response, EMPTY))

  router.post('/add-user', needs('users:write'), async (request, response) => {
    const form = formIn(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showNew(response, form, context)
    const change = changeIn({ ...form, enabled: true }, EMPTY)
    if (change === 'bad_expiry') return showNew(response, form, change)
    await demandRights(request, form.name, change.groups)
    const { groups, ipv4, ipv6, expiresAt, mail } = change
    if (field(request, 'by') === 'mail' && form.mail === '') return showNew(response, form, 'no_address')
    const answer = await users.add(
      {
        ...{ name: form.name, groups },
        ...{ ipv4: ipv4 ?? undefined, ipv6: ipv6 ?? undefined, expiresAt: expiresAt ?? undefined },
        mail: mail ?? undefined,
      },
      context,
    )
    const problem = problemIn(answer)
    if (problem !== undefined) return showNew(response, form, problem)
    if (answer.kind !== 'done' || field(request, 'by') === '') return goTo(response, accountTab(form.name))
    const { name } = answer.user
    const made = await makeLink(request, admin, name, context)
    if (!isMade(made)) return person.show(response, name, made)
    showLink(response, admin, name, made)
  })

  router.get('/users/:name/edit', needs('users:write'), async (request, response) => {
    const user = await userIn(request)
    showEdit(response, user, formOf(user))
  })

  router.post('/users/:name/edit', needs('users:write'), async (request, response) => {
    const user = await userIn(request)
    const form = { ...formIn(request), name: user.name }
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showEdit(response, user, form, context)
    const change = changeIn(form, formOf(user))
    if (change === 'bad_expiry') return showEdit(response, user, form, change)
    await demandRights(request, user.name, change.groups)
    const isSame = Object.values(change).every((value) => value === undefined)
    const problem = isSame ? 'no_change' : problemIn(await users.change(user.name, change, context))
    if (problem !== undefined) return showEdit(response, user, form, problem)
    goTo(response, accountTab(user.name))
  })

  async function demandRights(request: Request, name: string, groups: readonly string[] = []): Promise<void> {
    const caller = callerOf(request)
    demandRightsOfGroups(groups, caller, admin.services)
    await demandRightsOver(name, caller, admin.services)
  }

  /** @throws Problem `not-found` where there is no such local user. */
  async function userIn(request: Request): Promise<LocalUser> {
    const user = await records.users.find(String(request.params.name))
    if (user === undefined) throw new Problem('not-found')
    return user
  }

  function showNew(response: Response, typed: LocalUserForm, problem?: FormProblem): void {
    admin.show(response, {
      view: 'local-user',
      title: (t) => t('admin.localUser.add'),
      width: 'slim',
      area: 'users',
      problem,
      data: {
        ...{ typed, isNew: true, action: ADD_PATH, back: '/desk/users' },
        ...{ invitations: INVITATIONS, defaultInvitation: DEFAULT_INVITATION_MS },
        by: isSent(response) ? field(response.req, 'by') : 'link',
        sendsMail: admin.services.passwordLinks.mails !== undefined,
      },
    })
  }

  function showEdit(
    response: Response,
    { name }: LocalUser,
    typed: LocalUserForm,
    problem?: FormProblem,
  ): void {
    admin.show(response, {
      view: 'local-user',
      title: (t) => t('admin.localUser.edit', { user: name }),
      width: 'slim',
      area: 'users',
      problem,
      data: { typed, isNew: false, action: `${personPath(name)}/edit`, back: accountTab(name) },
    })
  }
}

function isSent({ req }: Response): boolean {
  return req.method === 'POST'
}

function accountTab(name: string): string {
  return `${personPath(name)}?tab=account`
}
