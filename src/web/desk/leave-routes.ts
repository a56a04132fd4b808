import type { Request, Response, Router } from 'express'
import { usernameOf } from '../../domain/login-name.ts'
import { demandRightsOver, demandSight } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { LEAVE_STEPS, Leaving } from '../../manage/leaving.ts'
import { field } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { personPath } from './filters.ts'

/** Somebody leaves the company: one form, and one page that tells what was done. */
export function leaveRoutes(router: Router, admin: AdminConsole): void {
  const { subjectOf } = admin.services
  const leaving = new Leaving(admin.services)
  const guards = [
    needs('lockouts:write', true),
    needs('enrolments:write', true),
    needs('sessions:write', true),
  ]

  router.get('/users/:name/leave', guards, async (request: Request, response: Response) => {
    await subjectIn(request)
    showForm(response)
  })

  router.post('/users/:name/leave', guards, async (request: Request, response: Response) => {
    const subject = await subjectIn(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showForm(response, context)
    const mayChangeUsers = callerOf(request).rights.has('users:write')
    const answer = await leaving.leave(subject, { ...context, mayChangeUsers })
    const name = nameIn(request)
    const hasFailed = Object.values(answer.steps).includes('failed')
    admin.show(response, {
      view: 'left',
      title: (t) => t(`admin.left.${hasFailed ? 'incomplete' : 'title'}`, { user: name }),
      width: 'narrow',
      area: 'users',
      data: { name, back: personPath(name), order: LEAVE_STEPS, ...answer },
    })
  })

  /** @throws Problem where nobody has the name, or the caller may not act on the user. */
  async function subjectIn(request: Request): Promise<string> {
    const caller = callerOf(request)
    await demandSight(nameIn(request), caller, admin.services)
    const subject = await subjectOf(nameIn(request))
    if (subject === undefined) throw new Problem('not-found')
    // The lock and the end of the sessions cover everybody of the username.
    for (const target of new Set([subject, usernameOf(subject)]))
      await demandRightsOver(target, caller, admin.services)
    return subject
  }

  function showForm(response: Response, problem?: FormProblem): void {
    const name = nameIn(response.req)
    admin.show(response, {
      view: 'leave',
      title: (t) => t('admin.leave.title', { user: name }),
      width: 'slim',
      area: 'users',
      problem,
      data: {
        name,
        path: `${personPath(name)}/leave`,
        back: personPath(name),
        reason: field(response.req, 'reason'),
        order: LEAVE_STEPS,
      },
    })
  }
}

function nameIn(request: Request): string {
  return String(request.params.name)
}
