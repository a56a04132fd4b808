import type { LockoutScope, LockoutState } from '../../domain/lockout.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { type Handlers, millisecondsOf } from './call.ts'
import { addressIn, orderIn, usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { eventWire, lockoutWire } from './wire.ts'

const MAX_HISTORY = 100
const HISTORY_BEFORE_MS = 3_600_000

export function lockoutRoutes({ records, lockouts, clock }: HttpServices): Handlers {
  return {
    async listLockouts(call) {
      const page = pageOf(call)
      const now = clock.now()
      const state = call.query('state') as LockoutState | undefined
      const found = await records.lockouts.list({
        user: usernameIn(call),
        address: addressIn(call),
        gateway: call.query('gateway'),
        scope: call.query('scope') as LockoutScope | undefined,
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
      const end = until === undefined ? undefined : millisecondsOf(until, '/body/until')
      const answer = await lockouts.lock({ scope, user, address, until: end }, call.caller.actor, reason)
      if (answer.kind === 'wrong')
        throw new Problem('invalid-request', {
          errors: [{ path: `/body/${answer.part}`, message: 'is not what this scope needs' }],
        })
      return { status: 201, body: lockoutWire(answer.lockout, clock.now()) }
    },

    async getLockout(call) {
      const lockout = await records.lockouts.find(call.path('id'))
      if (lockout === undefined) throw new Problem('not-found')
      const { user, address, since } = lockout
      // All addresses of the user: someone else may be guessing at the same time.
      const subject = user === undefined ? { address } : { user }
      const search = { ...subject, since: since - HISTORY_BEFORE_MS, limit: MAX_HISTORY }
      const history = await records.audit.list(search)
      return { body: { lockout: lockoutWire(lockout, clock.now()), history: history.map(eventWire) } }
    },

    async releaseLockout(call) {
      const { reason } = call.body<{ reason: string }>()
      const answer = await lockouts.release(call.path('id'), call.caller.actor, reason)
      if (answer.kind === 'released') return { body: lockoutWire(answer.lockout, clock.now()) }
      if (answer.kind === 'unknown') throw new Problem('not-found')
      throw new Problem('conflict', { detail: 'The lockout has ended or was released.' })
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
