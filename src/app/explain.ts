import type { Config } from '../config/schema.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { ExplainOptions } from '../manage/explain.ts'
import { describeGrant } from '../radius/check-grant.ts'
import { loginSettings, quotasOf } from './login.ts'
import type { Store } from './storage.ts'

/** What `explain` uses, over HTTP and on the command line. */
export function explainOptions(
  config: Config,
  store: Store,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): ExplainOptions {
  const { candidates, records } = store
  return {
    settings: loginSettings(config),
    quotas: quotasOf(config, store, clock),
    candidates,
    reads: records.login,
    hasPasskey: async (subject) => (await records.passkeys.list(subject)).length > 0,
    register: records.enrolments,
    lockouts: records.lockouts,
    sessions: records.sessions,
    leases: records.leases,
    gateways: config.gateways.map(({ name }) => name),
    describeReply: describeGrant,
    clock,
    random,
    patienceMs: config.radius.deadlineMs,
  }
}
