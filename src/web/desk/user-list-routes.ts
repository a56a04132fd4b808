import type { Request, Response, Router } from 'express'
import type { ListFault } from '../../domain/listed-user.ts'
import { covers, rightsOf } from '../../domain/scope.ts'
import { callerOf } from '../../http/caller.ts'
import type { MessageKey } from '../../i18n/messages.ts'
import { MAX_LISTED, type UserListPlan } from '../../manage/user-lists.ts'
import { field } from '../layout/forms.ts'
import { areaText } from '../layout/html.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'

/** The form itself has a limit in octets. */
const MAX_CHARACTERS = 1024 * 1024
/** More are not shown at once; most have one cause. */
const MAX_FAULTS = 200
const PATH = '/desk/user-list'

/** Adds and changes local users by a list: what was shown is done as a whole, or nothing. */
export function userListRoutes(router: Router, admin: AdminConsole): void {
  const { userLists, mayActOn, roles } = admin.services

  router.get('/user-list', needs('users:write'), (_request, response) => showForm(response))

  router.post('/user-list', needs('users:write'), async (request, response) => {
    if (listIn(request).trim() === '') return showForm(response, 'empty_list')
    showPlan(response, await planOf(request))
  })

  router.post('/user-list/carry-out', needs('users:write'), async (request, response) => {
    const plan = await planOf(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showPlan(response, plan, context)
    // Something has changed since it was shown: it is shown again.
    if (!isSound(plan) || plan.digest !== field(request, 'shown'))
      return showPlan(response, plan, 'list_overtaken')
    if ((await userLists.carryOut(plan, context)) === 'overtaken')
      return showPlan(response, await planOf(request), 'list_overtaken')
    admin.show(response, {
      view: 'user-list-done',
      title: (t) => t('admin.userList.done'),
      width: 'slim',
      area: 'users',
      data: { added: plan.added.length, changed: plan.changed.length },
    })
  })

  function planOf(request: Request): Promise<UserListPlan> {
    const { rights } = callerOf(request)
    return userLists.plan(
      listIn(request),
      async (name, groups) => covers(rights, rightsOf(groups, roles)) && mayActOn(name, rights),
    )
  }

  function showForm(response: Response, problem?: FormProblem): void {
    admin.show(response, {
      view: 'user-list',
      title: (t) => t('admin.userList.title'),
      width: 'narrow',
      area: 'users',
      problem,
      data: { path: PATH, list: areaText(listIn(response.req)), most: MAX_LISTED },
    })
  }

  function showPlan(response: Response, plan: UserListPlan, problem?: FormProblem): void {
    admin.show(response, {
      view: 'user-list-plan',
      title: (t) => t('admin.userList.title'),
      area: 'users',
      problem,
      data: {
        ...{
          path: PATH,
          plan,
          list: areaText(listIn(response.req)),
          isSound: isSound(plan),
          most: MAX_LISTED,
        },
        faults: plan.faults.slice(0, MAX_FAULTS).map(shownFault),
        users: shownUsers(plan),
        reason: field(response.req, 'reason'),
      },
    })
  }
}

/** The remedy stands behind the last semicolon. */
function shownFault({ line, problem }: ListFault) {
  const at = problem.lastIndexOf('; ')
  return at < 0
    ? { line, cause: problem }
    : { line, cause: problem.slice(0, at), remedy: problem.slice(at + 2) }
}

/** In the order of the list, with what each gets. */
function shownUsers({ added, changed }: UserListPlan) {
  const fresh = added.map(({ line, name, attributes, ...user }) => ({
    ...{ line, name, isNew: true },
    parts: partsOf({ ...user, ...attributes, enabled: user.enabled ? undefined : false }),
  }))
  const known = changed.map(({ line, before: { name }, wanted }) => ({
    ...{ line, name, isNew: false },
    parts: partsOf(wanted),
  }))
  return [...fresh, ...known].toSorted((one, other) => one.line - other.line)
}

function partsOf(values: Partial<Record<keyof typeof LABELS, unknown>>) {
  return Object.entries(LABELS).flatMap(([part, label]) => {
    const value = values[part as keyof typeof LABELS]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    return [{ part, label, value: Array.isArray(value) ? value.join(', ') : value }]
  })
}

const LABELS = {
  groups: 'admin.status.groups',
  mail: 'admin.localUser.mail',
  ipv4: 'admin.localUser.ipv4',
  ipv6: 'admin.localUser.ipv6',
  expiresAt: 'admin.localUser.expires',
  language: 'admin.userList.language',
  enabled: 'admin.userList.enabled',
} as const satisfies Readonly<Record<string, MessageKey>>

function listIn(request: Request): string {
  return field(request, 'list', MAX_CHARACTERS)
}

function isSound({ faults, added, changed }: UserListPlan): boolean {
  return faults.length === 0 && added.length + changed.length > 0
}
