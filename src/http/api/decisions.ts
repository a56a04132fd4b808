import type { Explanation } from '../../manage/explain.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { demandSight } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { enrolmentWire, lockoutWire, policyWire, quotaWire } from './wire.ts'

export function decisionRoutes(services: HttpServices): Handlers {
  const { policies, explain, clock } = services
  return {
    async listPolicies() {
      return { body: { items: policies.map(policyWire) } }
    },

    async explainLogin(call) {
      const supposed = {
        user: call.query('user') ?? '',
        gateway: call.query('gateway'),
        address: call.query('address'),
        client: call.query('client'),
      }
      await demandSight(supposed.user, call.caller, services)
      const answer = await explain(supposed)
      if ('wrong' in answer)
        throw new Problem('invalid-request', {
          errors: [{ path: `/query/${answer.wrong}`, message: WRONG[answer.wrong] }],
        })
      return { body: explanationWire(answer, clock.now()) }
    },
  }
}

const WRONG = {
  user: 'is not a valid user name',
  gateway: 'is not a gateway of the configuration',
  address: 'is not an IP address',
} as const

export function explanationWire(
  { locks, enrolments, quotas, elsewhere: _, ...rest }: Explanation,
  now: number,
) {
  return {
    ...rest,
    locks: locks.map((lockout) => lockoutWire(lockout, now)),
    quotas: quotas?.map(quotaWire),
    enrolments: enrolments.map(enrolmentWire),
  }
}
