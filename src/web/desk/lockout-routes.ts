import type { Request, Response, Router } from 'express'
import { isInForce, type Lockout } from '../../domain/lockout.ts'
import type { LockoutState } from '../../domain/lockout-desk.ts'
import { Problem } from '../../http/problem.ts'
import { PORTAL } from '../../login/sign-in.ts'
import { field, goTo } from '../frame/forms.ts'
import { Activity } from './activity.ts'
import { needs } from './admission.ts'
import type { Desk } from './desk.ts'
import { type Evidence, evidenceOf } from './evidence.ts'
import { afterIn, listPage, maybeOf, oneOf, recordId, searchText, wantedIn } from './filters.ts'
import { eventsSince } from './recent-events.ts'
import { findStanding } from './standing.ts'
import { timelineOf } from './timeline.ts'
import type { FormProblem } from './words.ts'

const PAGE = 25
/** Lockouts are counted no further. */
const MOST_COUNTED = 1000
/** What happened before the failures that count belongs to the story, too. */
const STORY_BEFORE_MS = 3_600_000
const MOST_EVENTS = 300
const MOST_SESSIONS = 30
const MOST_OTHERS = 20
const STATES: readonly [LockoutState, ...LockoutState[]] = ['in_force', 'ended', 'released']

/** Who is locked out, why, and the way back in. */
export function lockoutRoutes(router: Router, desk: Desk): void {
  const { records, lockouts, clock } = desk.dependencies
  const lastDay = new Activity(records.auditTrail)

  router.get('/', needs('lockouts:read'), async (request, response) => {
    const [list, activity] = await Promise.all([findList(request, desk), lastDay.until(clock.now())])
    desk.show(request, response, {
      view: 'lockouts',
      title: ({ lockouts: words }) => (list.state === 'in_force' ? words.now : words.past[list.state]),
      area: 'lockouts',
      data: { list, activity },
    })
  })

  router.get('/live', needs('lockouts:read'), async (request, response) => {
    desk.showPart(request, response, 'lockout-list', { list: await findList(request, desk) })
  })

  router.get('/lockouts/:id', needs('lockouts:read'), async (request, response) => {
    await showStory(request, response, desk, await lockoutOf(request, desk))
  })

  router.post('/lockouts/:id/release', needs('lockouts:write'), async (request, response) => {
    const lockout = await lockoutOf(request, desk)
    const deed = desk.deedIn(request)
    if (deed === undefined) return showStory(request, response, desk, lockout, 'reason')
    const answer = await lockouts.release(lockout.id, deed.actor, deed.reason)
    if (answer.kind !== 'released')
      return showStory(request, response, desk, await lockoutOf(request, desk), 'not_in_force')
    if (field(request, 'others') === 'yes') {
      for (const other of await othersOf(lockout, desk))
        await lockouts.release(other.id, deed.actor, deed.reason)
    }
    goTo(response, `/desk/lockouts/${lockout.id}`)
  })
}

/** A lockout with what a row of the list tells of it. */
interface Row {
  readonly lockout: Lockout
  readonly evidence: Evidence
}

async function findList(request: Request, desk: Desk) {
  const { records, gateways, clock } = desk.dependencies
  const wanted = wantedIn(request)
  const state = oneOf(request, 'state', STATES)
  const gateway = maybeOf(request, 'gateway', [...gateways, PORTAL])
  const after = afterIn(request)
  const now = clock.now()
  const { user, address } = wanted
  const search = { user, address, gateway, state, after, now, order: 'newest' } as const
  const [page, inForce] = await Promise.all([
    wanted.isNothing
      ? { items: [] }
      : listPage(PAGE, (limit) => records.lockoutDesk.search({ ...search, limit })),
    records.lockoutDesk.countInForce(now, MOST_COUNTED),
  ])
  const rows: readonly Row[] = await Promise.all(
    page.items.map(async (lockout) => ({ lockout, evidence: await evidenceOf(lockout, desk.dependencies) })),
  )
  const filter = { q: wanted.typed, gateway, state: state === 'in_force' ? undefined : state }
  return {
    ...{ wanted, state, gateway, rows, inForce },
    isCounted: inForce < MOST_COUNTED,
    isFirst: after === undefined,
    isFiltered: wanted.typed !== '' || gateway !== undefined || state !== 'in_force',
    firstPage: searchText('/desk', filter),
    nextPage: 'next' in page && page.next ? searchText('/desk', { ...filter, after: page.next }) : undefined,
    live: searchText('/desk/live', { ...filter, after }),
  }
}

/** @throws Problem `not-found` */
async function lockoutOf(request: Request, { dependencies: { records } }: Desk): Promise<Lockout> {
  const id = recordId(request.params.id)
  const lockout = id === undefined ? undefined : await records.lockoutDesk.find(id)
  if (lockout === undefined) throw new Problem('not-found')
  return lockout
}

/** Further lockouts in force of the same user. */
async function othersOf(
  { id, user }: Lockout,
  { dependencies: { records, clock } }: Desk,
): Promise<readonly Lockout[]> {
  if (user === undefined) return []
  const search = { user, state: 'in_force', now: clock.now(), order: 'newest' } as const
  const found = await records.lockoutDesk.search({ ...search, limit: MOST_OTHERS })
  return found.filter((other) => other.id !== id)
}

async function showStory(
  request: Request,
  response: Response,
  desk: Desk,
  lockout: Lockout,
  problem?: FormProblem,
): Promise<void> {
  const { records, clock } = desk.dependencies
  const { user, address } = lockout
  const now = clock.now()
  const since = lockout.since - STORY_BEFORE_MS
  // The story of a user is told from all addresses: others may be guessing at the same time.
  const of = user === undefined ? { address } : { user }
  const [evidence, events, sessions, others, standing] = await Promise.all([
    evidenceOf(lockout, desk.dependencies),
    eventsSince(records.auditTrail, since, { ...of, limit: MOST_EVENTS }),
    user === undefined ? [] : records.sessionDesk.search({ user, limit: MOST_SESSIONS }),
    othersOf(lockout, desk),
    user === undefined ? undefined : findStanding(user, desk),
  ])
  desk.show(request, response, {
    view: 'lockout',
    title: ({ story }) => story.title(user ?? address ?? ''),
    area: 'lockouts',
    problem,
    data: {
      ...{ lockout, evidence, others, standing },
      isInForce: isInForce(lockout, now),
      reason: field(request, 'reason'),
      timeline: timelineOf({ events, sessions, lockouts: [lockout], since, until: now }),
      auditLink: searchText('/desk/audit', { user, address: user === undefined ? address : undefined }),
    },
  })
}
