import type { Request, Response, Router } from 'express'
import { reachOf } from '../../domain/scope.ts'
import { callerOf } from '../../http/caller.ts'
import type { ReleaseWanted } from '../../manage/release-lockouts.ts'
import { field, fields } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { recordId, searchText } from './filters.ts'
import { findLockouts, LIST_PATH, type LockoutList, STATES } from './lockout-list.ts'

/** The list of lockouts, and the release of several. */
export function releaseRoutes(router: Router, admin: AdminConsole): void {
  const { lockouts, mayActOn } = admin.services

  router.get('/lockouts', needs('lockouts:read', true), async (_request, response) => showList(response))

  router.get('/lockouts/live', needs('lockouts:read', true), async (request, response) => {
    admin.showPart(response, 'lockout-list', { list: await findLockouts(request, admin), chosen: [] })
  })

  router.post('/lockouts/release', needs('lockouts:write', true), async (request, response) => {
    const list = await findLockouts(request, admin)
    const wanted = wantedIn(request, list)
    if (wanted === undefined) return showList(response, 'nothing_chosen')
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showList(response, context)
    const { rights } = callerOf(request)
    const answer = await lockouts.release(wanted, {
      by: context.actor,
      reason: context.reason,
      over: reachOf(rights, 'lockouts:write'),
      mayActOn: (target) => mayActOn(target, rights),
    })
    const records = admin.recordsOf(request)
    const left = await Promise.all(
      answer.left.map(async ({ id, why }) => ({ id, why, lockout: await records.lockouts.find(id) })),
    )
    const { q, gateway, tab } = { q: list.query.typed, gateway: list.gateway, tab: list.tab }
    admin.show(response, {
      view: 'released',
      title: (t) => t('admin.released.title', { count: answer.released.length }),
      width: 'narrow',
      area: 'lockouts',
      data: {
        ...answer,
        left,
        reason: context.reason,
        back: searchText(LIST_PATH, { q, gateway, tab: answer.isMore ? tab : undefined }),
      },
    })
  })

  async function showList(response: Response, problem?: FormProblem): Promise<void> {
    const request = response.req
    const list = await findLockouts(request, admin)
    admin.show(response, {
      view: 'lockouts',
      title: (t) => t(`admin.lockouts.title.${list.state}`),
      area: 'lockouts',
      problem,
      data: { list, states: STATES, chosen: fields(request, 'id'), reason: field(request, 'reason') },
    })
  }
}

/** What the buttons of the form mean. Of a whole tab: those that were in force when the page was made. */
function wantedIn(request: Request, list: LockoutList): ReleaseWanted | undefined {
  if (field(request, 'all') !== '') {
    const shownAt = Number(field(request, 'shown'))
    return Number.isSafeInteger(shownAt) && list.isInForce && list.inTab > 0
      ? { filter: { ...list.search, before: shownAt + 1 } }
      : undefined
  }
  const ids = fields(request, 'id').flatMap((id) => recordId(id) ?? [])
  return ids.length === 0 ? undefined : { ids }
}
