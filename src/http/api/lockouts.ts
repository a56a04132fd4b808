import type { LockoutScope, LockoutState } from '../../domain/lockout.ts'
import type { LockoutHint } from '../../domain/lockout-hint.ts'
import { reachOf } from '../../domain/scope.ts'
import type { ReleaseAnswer, ReleaseWanted } from '../../manage/release-lockouts.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { BEYOND_RIGHTS, demandLock } from './authenticate.ts'
import { type Call, type Handlers, millisecondsOf } from './call.ts'
import { addressFrom, addressIn, orderIn, usernameFrom, usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { eventWire, lockoutWire } from './wire.ts'

const MAX_HISTORY = 100
const HISTORY_BEFORE_MS = 3_600_000

export function lockoutRoutes(services: HttpServices): Handlers {
  const { recordsOf, lockouts, mayActOn, clock } = services

  function release(call: Call, wanted: ReleaseWanted, reason: string): Promise<ReleaseAnswer> {
    const { actor, rights } = call.caller
    return lockouts.release(wanted, {
      by: actor,
      reason,
      over: reachOf(rights, 'lockouts:write'),
      mayActOn: (target) => mayActOn(target, rights),
    })
  }

  return {
    async listLockouts(call) {
      const page = pageOf(call)
      const now = clock.now()
      const state = call.query('state') as LockoutState | undefined
      const found = await recordsOf(call.caller).lockouts.list({
        user: usernameIn(call),
        address: addressIn(call),
        gateway: call.query('gateway'),
        scope: call.query('scope') as LockoutScope | undefined,
        hint: call.query('hint') as LockoutHint | undefined,
        standing: state && { state, at: now },
        since: call.time('since'),
        before: call.time('before'),
        order: orderIn(call),
        ...page,
      })
      return pageFrom(found, page, (lockout) => lockoutWire(lockout, now))
    },

    async lockByHand(call) {
      const { scope, user, address, until, reason } = call.body<WantedBody>()
      await demandLock({ scope, user }, call.caller, services)
      const end = until === undefined ? undefined : millisecondsOf(until, '/body/until')
      const answer = await lockouts.lock({ scope, user, address, until: end }, call.caller.actor, reason)
      if (answer.kind === 'wrong')
        throw new Problem('invalid-request', {
          errors: [{ path: `/body/${answer.part}`, message: 'is not what this scope needs' }],
        })
      return { status: 201, body: lockoutWire(answer.lockout, clock.now()) }
    },

    async getLockout(call) {
      const lockout = await recordsOf(call.caller).lockouts.find(call.path('id'))
      if (lockout === undefined) throw new Problem('not-found')
      const { user, address, since } = lockout
      // All addresses of the user: someone else may be guessing at the same time.
      const subject = user === undefined ? { address } : { user }
      const search = { ...subject, since: since - HISTORY_BEFORE_MS, limit: MAX_HISTORY }
      const history = await recordsOf(call.caller).audit.list(search)
      return { body: { lockout: lockoutWire(lockout, clock.now()), history: history.map(eventWire) } }
    },

    async releaseLockout(call) {
      const id = call.path('id')
      const { reason } = call.body<{ reason: string }>()
      const { released, left } = await release(call, { ids: [id] }, reason)
      if (released[0] !== undefined) return { body: lockoutWire(released[0], clock.now()) }
      if (left[0]?.why === 'forbidden') throw new Problem('missing-scope', { detail: BEYOND_RIGHTS })
      if ((await recordsOf(call.caller).lockouts.find(id)) === undefined) throw new Problem('not-found')
      throw new Problem('conflict', { detail: 'The lockout has ended or was released.' })
    },

    async releaseLockouts(call) {
      const { ids, filter, reason } = call.body<ReleaseBody>()
      const answer = await release(call, wantedIn(ids, filter), reason)
      const released = answer.released.map(({ id }) => id)
      return { body: { released, left: answer.left, more: answer.isMore } }
    },
  }
}

interface WantedBody {
  readonly scope: LockoutScope
  readonly user?: string
  readonly address?: string
  readonly until?: string
  readonly reason: string
}

interface ReleaseBody {
  readonly ids?: readonly string[]
  readonly filter?: {
    readonly user?: string
    readonly address?: string
    readonly gateway?: string
    readonly scope?: LockoutScope
    readonly hint?: LockoutHint
    readonly before?: string
  }
  readonly reason: string
}

/** @throws Problem */
function wantedIn(ids: ReleaseBody['ids'], filter: ReleaseBody['filter']): ReleaseWanted {
  if ((ids === undefined) === (filter === undefined))
    throw new Problem('invalid-request', {
      errors: [{ path: '/body', message: 'needs one of ids and filter' }],
    })
  if (ids !== undefined) return { ids }
  const { user, address, before, ...rest } = filter ?? {}
  return {
    filter: {
      ...rest,
      user: user === undefined ? undefined : usernameFrom(user, '/body/filter/user'),
      address: address === undefined ? undefined : addressFrom(address, '/body/filter/address'),
      before: before === undefined ? undefined : millisecondsOf(before, '/body/filter/before'),
    },
  }
}
