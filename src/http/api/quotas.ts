import type { UserStandings } from '../../manage/user-quotas.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import { demandSight } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { quotaWire } from './wire.ts'

/** What is left of users' quotas, and more of them. */
export function quotaRoutes(services: HttpServices): Handlers {
  const { userQuotas } = services
  return {
    async getQuotas(call) {
      await demandSight(call.path('subject'), call.caller, services)
      const found = await userQuotas.find(call.path('subject'))
      if (found === undefined) throw new Problem('not-found')
      return { body: bodyOf(found) }
    },

    async addToQuotas(call) {
      const {
        octets = 0,
        seconds = 0,
        reason,
      } = call.body<{
        readonly octets?: number
        readonly seconds?: number
        readonly reason: string
      }>()
      const added = await userQuotas.add(
        call.path('subject'),
        { octets, seconds },
        auditContextOf(call, reason),
      )
      if (added === undefined) throw new Problem('not-found')
      if (added === 'no_quota')
        throw new Problem('conflict', { detail: 'The user has no quota of that kind to add to.' })
      return { body: bodyOf(added) }
    },
  }
}

function bodyOf({ subject, standings }: UserStandings) {
  return { user: subject, items: standings.map(quotaWire) }
}
