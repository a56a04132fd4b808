import type { Request, Response, Router } from 'express'
import type { LockoutScope } from '../../domain/lockout.ts'
import { field, goTo, parameter } from '../frame/forms.ts'
import { needs } from './admission.ts'
import type { Desk } from './desk.ts'
import type { FormProblem } from './words.ts'

const HOUR_MS = 3_600_000
/** What the form offers, in milliseconds; beside them there is `until released`. */
const DURATIONS: readonly number[] = [1, 8, 24, 24 * 7].map((hours) => hours * HOUR_MS)
const SCOPES: readonly LockoutScope[] = ['user', 'user_address', 'address']

/** Locks by a person's own hand. */
export function lockRoutes(router: Router, desk: Desk): void {
  const { lockouts, clock } = desk.dependencies

  router.get('/lock', needs('lockouts:write'), (request, response) => {
    const [user, address] = [parameter(request, 'user'), parameter(request, 'address')]
    const scope = user === '' && address !== '' ? 'address' : 'user'
    showLock(request, response, { scope, user, address, duration: '', reason: '' })
  })

  router.post('/lock', needs('lockouts:write'), async (request, response) => {
    const typed = typedIn(request)
    const deed = desk.deedIn(request)
    if (deed === undefined) return showLock(request, response, typed, 'reason')
    const duration = DURATIONS.find((each) => String(each) === typed.duration)
    const answer = await lockouts.lock(
      {
        scope: typed.scope,
        user: typed.user === '' ? undefined : typed.user,
        address: typed.address === '' ? undefined : typed.address,
        until: duration === undefined ? undefined : clock.now() + duration,
      },
      deed.actor,
      deed.reason,
    )
    if (answer.kind === 'wrong') return showLock(request, response, typed, problemOf(answer.part))
    goTo(response, `/desk/lockouts/${answer.lockout.id}`)
  })

  function showLock(request: Request, response: Response, typed: Typed, problem?: FormProblem): void {
    desk.show(request, response, {
      view: 'lock',
      title: ({ lock }) => lock.title,
      width: 'slim',
      area: 'lockouts',
      data: { typed, durations: DURATIONS, scopes: SCOPES },
      problem,
    })
  }
}

interface Typed {
  readonly scope: LockoutScope
  readonly user: string
  readonly address: string
  /** Milliseconds. */
  readonly duration: string
  readonly reason: string
}

function typedIn(request: Request): Typed {
  const scope = SCOPES.find((each) => each === field(request, 'scope')) ?? 'user'
  return {
    scope,
    user: field(request, 'user').trim(),
    address: field(request, 'address').trim(),
    duration: field(request, 'for'),
    reason: field(request, 'reason'),
  }
}

function problemOf(part: string): FormProblem {
  return part === 'user' || part === 'address' ? part : 'until'
}
