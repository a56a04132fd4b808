import type { Request, Response, Router } from 'express'
import { isNearlyFull, poolLabel } from '../../domain/address-pool.ts'
import { isSilent } from '../../domain/agent.ts'
import { overOf } from '../../domain/scope.ts'
import type { Session } from '../../domain/session.ts'
import { stateOf } from '../../domain/session.ts'
import { callerOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import type { EndAnswer } from '../../manage/ending.ts'
import { lastOrders } from '../../manage/last-orders.ts'
import { field } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type FormProblem, isContext } from './console.ts'
import { listPage, maybeOf, oneOf, queryIn, recordId, searchText } from './filters.ts'

const PATH = '/desk/sessions'
const PAGE_SIZE = 50
const STATES = ['open', 'granted', 'silent', 'unknown', 'ended', 'any'] as const
const MOST_BANS = 20
const NOTHING: EndAnswer = { kind: 'nothing' }

/** VPN sessions, present and past, and how full the address pools are. */
export function sessionRoutes(router: Router, admin: AdminConsole): void {
  const { records, ending, mayActOn, gateways, clock } = admin.services

  router.get('/sessions', needs('sessions:read', true), async (request, response) => {
    admin.show(response, {
      view: 'sessions',
      title: (t) => t('admin.sessions.title'),
      area: 'sessions',
      blocksUnder: '75rem',
      data: await dataOf(request),
    })
  })

  router.get('/sessions/live', needs('sessions:read', true), async (request, response) => {
    admin.showPart(response, 'sessions-live', await dataOf(request))
  })

  router.post('/sessions/end', needs('sessions:write', true), async (request, response) => {
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showEnded(response, undefined, context)
    const id = recordId(field(request, 'id'))
    const { rights } = callerOf(request)
    const mayAct = (target: string) => mayActOn(target, rights)
    const { sessions } = admin.recordsOf(request)
    const answer =
      id === undefined ? NOTHING : await ending.end({ id }, { ...context, mayActOn: mayAct, sessions })
    if (answer.kind === 'forbidden') throw new Problem('missing-scope')
    showEnded(response, answer, answer.kind === 'nothing' ? 'session_over' : undefined)
  })

  async function dataOf(request: Request) {
    const query = queryIn(request)
    const vpnAddress = queryIn(request, 'ip')
    const state = oneOf(request, 'state', STATES)
    const gateway = maybeOf(request, 'gateway', gateways)
    const isInvalid = query.isInvalid || (vpnAddress.typed !== '' && vpnAddress.address === undefined)
    const now = clock.now()
    const search = {
      user: query.user,
      address: query.address,
      gateway,
      ip: vpnAddress.address,
      ...(state === 'unknown'
        ? { open: true, isUnknown: true }
        : { standing: state === 'any' ? undefined : { state, at: now } }),
    }
    const filter = { q: query.typed, ip: vpnAddress.typed, gateway, state }
    const page = await listPage(request, {
      path: PATH,
      filter,
      size: PAGE_SIZE,
      find: isInvalid ? undefined : (part) => admin.recordsOf(request).sessions.list({ ...search, ...part }),
    })
    return {
      query,
      vpnAddress,
      isInvalid,
      state,
      gateway,
      page,
      states: STATES,
      stateOf: (session: Session) => stateOf(session, now),
      orderOf: await lastOrders(page.items, records.orders),
      ...(await placesOf(request, now)),
      isFiltered: query.typed !== '' || vpnAddress.typed !== '' || gateway !== undefined || state !== 'open',
      live: searchText(`${PATH}/live`, { ...filter, after: page.after }),
    }
  }

  /** Pools and agents, which are those of all users. */
  async function placesOf(request: Request, now: number) {
    const isForAll = overOf(callerOf(request).rights) === undefined
    const pools = isForAll ? await records.leases.usage() : []
    const agents = isForAll ? await records.agents.list() : []
    return {
      agents: agents
        .filter((agent) => gateways.includes(agent.gateway) && agent.host !== '')
        .map((agent) => ({ ...agent, isSilent: isSilent(agent, now), bans: agent.bans.slice(0, MOST_BANS) })),
      pools: pools.map((usage) => ({
        ...usage,
        label: poolLabel(usage),
        isNearlyFull: isNearlyFull(usage),
      })),
    }
  }

  function showEnded(response: Response, answer: EndAnswer | undefined, problem?: FormProblem): void {
    admin.show(response, {
      view: 'session-ended',
      title: (t) => t('admin.end.title'),
      width: 'slim',
      area: 'sessions',
      problem,
      data: answer?.kind === 'ordered' ? { ...answer } : { sessions: [], unreached: [] },
    })
  }
}
