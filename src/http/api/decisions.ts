import type { Policy } from '../../domain/policy.ts'
import { type ExplainOptions, type Explanation, explain } from '../../manage/explain.ts'
import { Problem } from '../problem.ts'
import type { Handlers } from './call.ts'
import { enrolmentWire, lockoutWire, policyWire } from './wire.ts'

export interface DecisionRoutesOptions {
  readonly policies: readonly Policy[]
  readonly explain: ExplainOptions
}

export function decisionRoutes(options: DecisionRoutesOptions): Handlers {
  return {
    async listPolicies() {
      return { body: { items: options.policies.map(policyWire) } }
    },

    async explainLogin(call) {
      const supposed = {
        user: call.query('user') ?? '',
        gateway: call.query('gateway'),
        address: call.query('address'),
      }
      const answer = await explain(supposed, options.explain)
      if ('wrong' in answer)
        throw new Problem('invalid-request', {
          errors: [{ path: `/query/${answer.wrong}`, message: WRONG[answer.wrong] }],
        })
      return { body: explanationWire(answer, options.explain.clock.now()) }
    },
  }
}

const WRONG = {
  user: 'is a name that no login could carry',
  gateway: 'is no gateway of the configuration',
  address: 'is no address',
} as const

export function explanationWire({ locks, enrolment, ...rest }: Explanation, now: number) {
  return {
    ...rest,
    locks: locks.map((lockout) => lockoutWire(lockout, now)),
    enrolment: enrolment === undefined ? undefined : enrolmentWire(enrolment),
  }
}
