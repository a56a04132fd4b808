import type { Config } from '../config/schema.ts'
import type { Runtime } from '../domain/runtime.ts'
import { UserQuotas } from '../manage/user-quotas.ts'
import { quotasOf } from './login.ts'
import type { Store } from './storage.ts'

/** What is left of users' quotas, over HTTP and on the command line. */
export function userQuotasOf(
  config: Config,
  store: Pick<Store, 'records' | 'candidates'>,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): UserQuotas {
  const { audit, usage } = store.records
  return new UserQuotas({
    policies: config.policies,
    quotas: quotasOf(config, store, clock),
    usage,
    audit,
    candidates: store.candidates,
    clock,
    random,
    patienceMs: config.radius.deadlineMs,
  })
}
