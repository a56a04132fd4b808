import type { Request, Response, Router } from 'express'
import type { LockoutScope } from '../../domain/lockout.ts'
import { reachOf } from '../../domain/scope.ts'
import { demandLock } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'

const HOUR_MS = 3_600_000
/** What the form offers besides "until released", in milliseconds. */
const DURATIONS: readonly number[] = [1, 8, 24, 24 * 7].map((hours) => hours * HOUR_MS)
const SCOPES: readonly LockoutScope[] = ['user', 'user_address', 'address']

interface LockForm {
  readonly scope: LockoutScope
  readonly user: string
  readonly address: string
  /** Milliseconds. */
  readonly duration: string
  readonly reason: string
}

/** Locks a user or an address manually. */
export function lockRoutes(router: Router, admin: AdminConsole): void {
  const { lockouts, clock } = admin.services

  router.get('/lock', needs('lockouts:write', true), (request, response) => {
    const [user, address] = [parameter(request, 'user'), parameter(request, 'address')]
    const scope = user === '' && address !== '' ? 'address' : 'user'
    showForm(response, { scope, user, address, duration: '', reason: '' })
  })

  router.post('/lock', needs('lockouts:write', true), async (request, response) => {
    const form = formIn(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showForm(response, form, context)
    await demandLock(form, callerOf(request), admin.services)
    const duration = DURATIONS.find((each) => String(each) === form.duration)
    const answer = await lockouts.lock(
      {
        scope: form.scope,
        user: form.user === '' ? undefined : form.user,
        address: form.address === '' ? undefined : form.address,
        until: duration === undefined ? undefined : clock.now() + duration,
      },
      context.actor,
      context.reason,
    )
    if (answer.kind === 'wrong') {
      const problem = answer.part === 'user' || answer.part === 'address' ? answer.part : 'until'
      return showForm(response, form, problem)
    }
    goTo(response, `/desk/lockouts/${answer.lockout.id}`)
  })

  function showForm(response: Response, typed: LockForm, problem?: FormProblem): void {
    const isForAll = reachOf(callerOf(response.req).rights, 'lockouts:write') === undefined
    admin.show(response, {
      view: 'lock',
      title: (t) => t('admin.lock.title'),
      width: 'slim',
      area: 'lockouts',
      data: {
        typed,
        durations: DURATIONS,
        scopes: isForAll ? SCOPES : SCOPES.filter((each) => each !== 'address'),
      },
      problem,
    })
  }
}

function formIn(request: Request): LockForm {
  return {
    scope: SCOPES.find((each) => each === field(request, 'scope')) ?? 'user',
    user: field(request, 'user').trim(),
    address: field(request, 'address').trim(),
    duration: field(request, 'for'),
    reason: field(request, 'reason'),
  }
}
