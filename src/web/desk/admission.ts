import type { Request, RequestHandler, Response } from 'express'
import { rolesOf, type Scope, wantsPasskey } from '../../domain/scope.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { demand } from '../../http/api/authenticate.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { callerOf, setCaller } from '../../http/caller.ts'
import { isFrom, onlyFrom } from '../../http/peer.ts'
import { Problem } from '../../http/problem.ts'
import type { HttpServices } from '../../http/services.ts'
import { goTo } from '../layout/forms.ts'
import type { NavLink } from '../layout/pages.ts'

type Admission = Pick<HttpServices, 'allow' | 'roles' | 'callerOf'>

/**
 * Admits people with a role, from the networks that may reach the console. Anyone not signed in is sent to sign in and
 * comes back. `askForCode` answers a session that has shown only a
 * password, `askForPasskey` one whose roles all require a passkey.
 */
export function onlyWithRole(
  { allow, roles, callerOf: find }: Admission,
  askForCode: (response: Response) => void,
  askForPasskey: (response: Response) => void,
): RequestHandler[] {
  const admit: RequestHandler = async (request, response, next) => {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'in') {
      if (request.method === 'POST') throw new Problem('unauthenticated')
      return goTo(response, '/?to=desk')
    }
    if (session.factors < 2) return askForCode(response)
    const caller = await find(request)
    // Tokens are for programs, which use the API.
    if (caller.kind !== 'person') throw new Problem('unauthenticated')
    if (caller.rights.size === 0 && wantsPasskey(session.groups, roles)) return askForPasskey(response)
    if (caller.rights.size === 0) throw new Problem('missing-scope')
    setCaller(response, caller)
    next()
  }
  return [onlyFrom(allow), admit]
}

/** Admits callers whose role covers the scope. @param isForAPart as of `demand`. */
export function needs(scope: Scope, isForAPart = false): RequestHandler {
  return (request, _response, next) => {
    demand(callerOf(request), scope, isForAPart)
    next()
  }
}

/** For the portal's pages: the link to the console, for users who may open it. */
export function linkToConsole(request: Request, admission: Admission): readonly NavLink[] {
  const { session } = browserSessionOf(request)
  const isOpen = session !== undefined && hasRole(session, admission) && isFrom(admission.allow, request)
  return isOpen ? [{ href: '/desk', label: 'layout.console' }] : []
}

function hasRole({ stage, factors, groups }: WebSession, { roles }: Admission): boolean {
  return stage === 'in' && factors === 2 && rolesOf(groups, roles).length > 0
}
