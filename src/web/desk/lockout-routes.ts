import type { Request, Response, Router } from 'express'
import { isInForce, type Lockout } from '../../domain/lockout.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { PORTAL } from '../../login/flow.ts'
import { readTimeline } from '../../manage/timeline.ts'
import { field, goTo } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { listPage, maybeOf, oneOf, queryIn, recordId, searchText } from './filters.ts'
import { MAX_COUNTED } from './locked-out.ts'
import { lockoutContextOf } from './lockout-context.ts'
import { shownEntries } from './timeline.ts'
import { findUserStatus } from './user-status.ts'

const PAGE_SIZE = 25
/** The timeline starts this long before the lockout, in milliseconds. */
const TIMELINE_BEFORE_MS = 3_600_000
const MAX_ENTRIES = 300
const MAX_OTHERS = 20
const STATES = ['in_force', 'ended', 'released'] as const

/** Lists lockouts, shows one with its context, and releases it. */
export function lockoutRoutes(router: Router, admin: AdminConsole): void {
  const { records, lockouts, mayActOn, clock, gateways } = admin.services

  router.get('/lockouts', needs('lockouts:read'), async (request, response) => {
    const list = await findList(request)
    admin.show(response, {
      view: 'lockouts',
      title: (t) => t(`admin.lockouts.title.${list.state}`),
      area: 'lockouts',
      data: { list, states: STATES },
    })
  })

  router.get('/lockouts/live', needs('lockouts:read'), async (request, response) => {
    admin.showPart(response, 'lockout-list', { list: await findList(request) })
  })

  router.get('/lockouts/:id', needs('lockouts:read'), async (request, response) => {
    await showLockout(response, await findLockout(request))
  })

  router.post('/lockouts/:id/release', needs('lockouts:write'), async (request, response) => {
    const lockout = await findLockout(request)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showLockout(response, lockout, context)
    const { actor, reason } = context
    const others = field(request, 'others') === 'yes' ? await findOthers(lockout) : []
    const ids = [lockout, ...others].map(({ id }) => id)
    const { scopes } = callerOf(request)
    const mayAct = (target: string) => mayActOn(target, scopes)
    const { released, left } = await lockouts.release({ ids }, { by: actor, reason, mayActOn: mayAct })
    if (left.some(({ why }) => why === 'forbidden')) throw new Problem('missing-scope')
    if (!released.some(({ id }) => id === lockout.id))
      return showLockout(response, await findLockout(request), 'not_in_force')
    goTo(response, `/desk/lockouts/${lockout.id}`)
  })

  async function findList(request: Request) {
    const query = queryIn(request)
    const { user, address } = query
    const state = oneOf(request, 'state', STATES)
    const gateway = maybeOf(request, 'gateway', [...gateways, PORTAL])
    const now = clock.now()
    const search = { user, address, gateway, standing: { state, at: now } }
    const filter = { q: query.typed, gateway, state: state === 'in_force' ? undefined : state }
    const [page, inForce] = await Promise.all([
      listPage(request, {
        path: '/desk/lockouts',
        filter,
        size: PAGE_SIZE,
        find: query.isInvalid ? undefined : (part) => records.lockouts.list({ ...search, ...part }),
      }),
      records.lockouts.countInForce(now, MAX_COUNTED),
    ])
    const rows = await Promise.all(
      page.items.map(async (lockout) => ({
        lockout,
        context: await lockoutContextOf(lockout, admin.services),
      })),
    )
    return {
      query,
      state,
      gateway,
      rows,
      page,
      inForce,
      isMore: inForce >= MAX_COUNTED,
      isFiltered: query.typed !== '' || gateway !== undefined || state !== 'in_force',
      live: searchText('/desk/lockouts/live', { ...filter, after: page.after }),
    }
  }

  /** @throws Problem `not-found` */
  async function findLockout(request: Request): Promise<Lockout> {
    const id = recordId(request.params.id)
    const lockout = id === undefined ? undefined : await records.lockouts.find(id)
    if (lockout === undefined) throw new Problem('not-found')
    return lockout
  }

  /** Other lockouts of the same user that are in force. */
  async function findOthers({ id, user }: Lockout): Promise<readonly Lockout[]> {
    if (user === undefined) return []
    const standing = { state: 'in_force', at: clock.now() } as const
    const found = await records.lockouts.list({ user, standing, limit: MAX_OTHERS })
    return found.filter((other) => other.id !== id)
  }

  async function showLockout(response: Response, lockout: Lockout, problem?: FormProblem): Promise<void> {
    const { user, address } = lockout
    const now = clock.now()
    const since = lockout.since - TIMELINE_BEFORE_MS
    // The timeline of a user covers all addresses: someone else may be guessing at the same time.
    const subject =
      user === undefined
        ? ({ kind: 'address', address: address ?? '' } as const)
        : ({ kind: 'user', user } as const)
    const [context, { entries }, others, status] = await Promise.all([
      lockoutContextOf(lockout, admin.services),
      readTimeline(subject, records, { now, since, limit: MAX_ENTRIES }),
      findOthers(lockout),
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
