import type { AuditEvent } from '../../domain/audit.ts'
import type { AuditTrail } from '../../domain/audit-search.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Lockout, LockoutScope } from '../../domain/lockout.ts'
import type { LockoutDesk, LockoutState } from '../../domain/lockout-desk.ts'
import type { Lockouts } from '../../manage/lockouts.ts'
import { Problem } from '../problem.ts'
import { type Call, type Handlers, millisecondsOf } from './call.ts'
import { addressIn, orderIn, stemIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { eventWire, lockoutWire } from './wire.ts'

export interface LockoutRoutesOptions {
  readonly desk: LockoutDesk
  readonly trail: AuditTrail
  readonly lockouts: Lockouts
  readonly clock: Clock
}

const HISTORY = 100
const HISTORY_BEFORE_MS = 3_600_000

export function lockoutRoutes({ desk, trail, lockouts, clock }: LockoutRoutesOptions): Handlers {
  return {
    async listLockouts(call) {
      const page = pageOf(call)
      const now = clock.now()
      const found = await desk.search({
        user: stemIn(call),
        address: addressIn(call),
        gateway: call.query('gateway'),
        scope: call.query('scope') as LockoutScope | undefined,
        state: call.query('state') as LockoutState | undefined,
        since: call.time('since'),
        before: call.time('before'),
        order: orderIn(call),
        now,
        ...page,
      })
      return pageFrom(
        found,
        page,
        ({ id }) => id,
        (lockout) => lockoutWire(lockout, now),
      )
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
      const lockout = await desk.find(call.path('id'))
      if (lockout === undefined) throw new Problem('not-found')
      const history = await historyOf(lockout, trail)
      return { body: { lockout: lockoutWire(lockout, clock.now()), history: history.map(eventWire) } }
    },

    async releaseLockout(call: Call) {
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

/** What whoever is locked did, and what was done about it. */
function historyOf({ user, address, since }: Lockout, trail: AuditTrail): Promise<readonly AuditEvent[]> {
  // The story of a user is told from all addresses: others may be guessing at the same time.
  const of = user === undefined ? { address } : { user }
  return trail.search({ ...of, since: since - HISTORY_BEFORE_MS, order: 'newest', limit: HISTORY })
}
