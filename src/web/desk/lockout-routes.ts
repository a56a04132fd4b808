import type { Request, Response, Router } from 'express'
import { isInForce, type Lockout } from '../../domain/lockout.ts'
import { reachOf } from '../../domain/scope.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { readTimeline } from '../../manage/timeline.ts'
import { field, goTo } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { recordId, searchText } from './filters.ts'
import { lockoutContextOf } from './lockout-context.ts'
import { shownEntries } from './timeline.ts'
import { findUserStatus } from './user-status.ts'

/** The timeline starts this long before the lockout, in milliseconds. */
const TIMELINE_BEFORE_MS = 3_600_000
const MAX_ENTRIES = 300
const MAX_OTHERS = 20

/** Shows a lockout with its context, and releases it. */
export function lockoutRoutes(router: Router, admin: AdminConsole): void {
  const { lockouts, mayActOn, failuresWithinMs, clock } = admin.services

  router.get('/lockouts/:id', needs('lockouts:read', true), async (request, response) => {
    await showLockout(response, await findLockout(request))
  })

  router.post('/lockouts/:id/release', needs('lockouts:write', true), async (request, response) => {
    const lockout = await findLockout(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showLockout(response, lockout, context)
    const { actor, reason } = context
    const others = field(request, 'others') === 'yes' ? await findOthers(lockout, request) : []
    const ids = [lockout, ...others].map(({ id }) => id)
    const { rights } = callerOf(request)
    const mayAct = (target: string) => mayActOn(target, rights)
    const { released, left } = await lockouts.release(
      { ids },
      {
        by: actor,
        reason,
        mayActOn: mayAct,
        over: reachOf(rights, 'lockouts:write'),
      },
    )
    if (left.some(({ why }) => why === 'forbidden')) throw new Problem('missing-scope')
    if (!released.some(({ id }) => id === lockout.id))
      return showLockout(response, await findLockout(request), 'not_in_force')
    goTo(response, `/desk/lockouts/${lockout.id}`)
  })

  /** @throws Problem `not-found` */
  async function findLockout(request: Request): Promise<Lockout> {
    const id = recordId(request.params.id)
    const lockout = id === undefined ? undefined : await admin.recordsOf(request).lockouts.find(id)
    if (lockout === undefined) throw new Problem('not-found')
    return lockout
  }

  /** Other lockouts of the same user that are in force. */
  async function findOthers({ id, user }: Lockout, request: Request): Promise<readonly Lockout[]> {
    if (user === undefined) return []
    const standing = { state: 'in_force', at: clock.now() } as const
    const found = await admin.recordsOf(request).lockouts.list({ user, standing, limit: MAX_OTHERS })
    return found.filter((other) => other.id !== id)
  }

  async function showLockout(response: Response, lockout: Lockout, problem?: FormProblem): Promise<void> {
    const { user, address } = lockout
    const records = admin.recordsOf(response.req)
    const now = clock.now()
    const since = lockout.since - TIMELINE_BEFORE_MS
    // The timeline of a user covers all addresses: someone else may be guessing at the same time.
    const subject =
      user === undefined
        ? ({ kind: 'address', address: address ?? '' } as const)
        : ({ kind: 'user', user } as const)
    const [context, { entries }, others, status] = await Promise.all([
      lockoutContextOf(lockout, { records, failuresWithinMs }),
      readTimeline(subject, records, { now, since, limit: MAX_ENTRIES }),
      findOthers(lockout, response.req),
      user === undefined ? undefined : findUserStatus(user, admin),
    ])
    admin.show(response, {
      view: 'lockout',
      title: (t) => t('admin.lockout.title', { who: user ?? address }),
      area: 'lockouts',
      problem,
      data: {
        lockout,
        context,
        others,
        status,
        isInForce: isInForce(lockout, now),
        reason: field(response.req, 'reason'),
        timeline: shownEntries(entries),
        moreLink: searchText('/desk/timeline', user === undefined ? { address } : { user }),
      },
    })
  }
}
