import type { Request, RequestHandler, Response } from 'express'
import { rolesOf, type Scope } from '../../domain/scope.ts'
import type { WebSession } from '../../domain/web-session.ts'
import type { Locale } from '../../domain/words.ts'
import { demand } from '../../http/api/authenticate.ts'
import { callerOf, setCaller } from '../../http/caller.ts'
import { isFrom, onlyFrom } from '../../http/peer.ts'
import { Problem } from '../../http/problem.ts'
import { visitOf } from '../../http/visit.ts'
import type { WebDependencies } from '../dependencies.ts'
import { goTo } from '../frame/forms.ts'
import type { NavLink } from '../frame/pages.ts'
import { FRAME_WORDS } from '../frame/words.ts'

type Admission = Pick<WebDependencies, 'allow' | 'roles' | 'callerOf'>

/**
 * Lets people with a role in, from where the desk may be reached. Whoever has not signed in is sent to do so and comes
 * back; whoever has shown nothing but a password is told by `askForCode`.
 */
export function onlyAtTheDesk(
  { allow, callerOf: find }: Admission,
  askForCode: (request: Request, response: Response) => void,
): RequestHandler[] {
  const admit: RequestHandler = async (request, response, next) => {
    const { session } = visitOf(request)
    if (session?.stage !== 'in') {
      if (request.method === 'POST') throw new Problem('unauthenticated')
      return goTo(response, '/?to=desk')
    }
    if (session.factors < 2) return askForCode(request, response)
    const caller = await find(request)
    // A token is for programs: they have the API.
    if (caller.kind !== 'person') throw new Problem('unauthenticated')
    if (caller.scopes.size === 0) throw new Problem('missing-scope')
    setCaller(request, caller)
    next()
  }
  return [onlyFrom(allow), admit]
}

/** Lets those through whose role covers the scope. */
export function needs(scope: Scope): RequestHandler {
  return (request, _response, next) => {
    demand(callerOf(request), scope)
    next()
  }
}

/** For the portal: the way to the desk, shown to whom it is open. */
export function linkToDesk(request: Request, desk: Admission, locale: Locale): readonly NavLink[] {
  const { session } = visitOf(request)
  const isOpen = session !== undefined && hasRole(session, desk) && isFrom(desk.allow, request)
  return isOpen ? [{ href: '/desk', label: FRAME_WORDS[locale].desk }] : []
}

function hasRole({ stage, factors, groups }: WebSession, { roles }: Admission): boolean {
  return stage === 'in' && factors === 2 && rolesOf(groups, roles).length > 0
}
