import type { Passing } from './broker-passing.ts'
import type { Store } from './broker-storage.ts'
import type { Config } from './config/shape.ts'
import type { Log } from './domain/log.ts'
import type { Machine } from './domain/machine.ts'
import { choosePolicy } from './domain/policy.ts'
import type { LoginOptions } from './login/decide.ts'
import type { EnrolAtLogin } from './login/enrol-at-login.ts'
import { EnrolmentCodes } from './login/enrolment-codes.ts'
import { Pace } from './login/pace.ts'
import { type RecentGrant, SameAnswer } from './login/same-answer.ts'
import { recognise } from './login/second-factor.ts'
import { grantFault } from './radius/grant-fault.ts'

/** Logins that may be answered once more at one time; each costs about a kilobyte. */
const MOST_RECENT_GRANTS = 50_000
const MOST_ENROLMENT_CODES = 10_000

/** What the way of a login is made of, by the configuration. */
export function loginOptions(
  config: Config,
  store: Store,
  { limits, challenges, open }: Passing,
  log: Log,
  { clock, random }: Machine,
): LoginOptions {
  const { records, keys } = store
  const { mode, required, tries, answerWithinMs, sameAnswerWithinMs, totp } = config.secondFactor
  const { exempt, tellUser: _, ...rules } = config.lockout
  const enrolmentCodes = new EnrolmentCodes(open('enrolment codes', MOST_ENROLMENT_CODES), random)
  const enrolAtLogin = enrolmentAtLogin(config, enrolmentCodes)
  const recognising = { keys, clock, window: totp.window }
  const sameAnswer =
    sameAnswerWithinMs === 0
      ? undefined
      : new SameAnswer({
          recent: open<RecentGrant>('recent grants', MOST_RECENT_GRANTS),
          withinMs: sameAnswerWithinMs,
          ...recognising,
          log,
        })
  return {
    limits,
    background: { records: records.login, candidates: store.candidates, exempt, clock },
    firstFactor: {
      mode,
      challenges,
      limits,
      enrolmentCodes,
      isCodeNow: (enrolment, code) => recognise(enrolment, code, recognising).kind !== 'wrong',
    },
    secondFactor: { required, mode, tries, ...recognising, enrolAtLogin },
    terms: { policies: config.policies, pools: config.pools, replyFault: grantFault },
    grant: { records: records.login, clock, random, sameAnswer },
    pace: new Pace(clock),
    settle: {
      records: records.login,
      audit: records.audit,
      challenges,
      rules,
      exempt,
      challengeTtlMs: answerWithinMs,
      enrolAtLogin,
      clock,
      random,
      log,
    },
  }
}

/** By policy, and only where a policy lets the user in. */
function enrolmentAtLogin(
  { portal, policies, secondFactor }: Config,
  codes: EnrolmentCodes,
): EnrolAtLogin | undefined {
  if (portal.publicUrl === undefined) return undefined
  return {
    page: `${portal.publicUrl}/enrol`,
    codes,
    mayEnrol({ gateway, address }, person) {
      const policy = choosePolicy(policies, person, gateway, address)
      return policy?.reply !== undefined && (policy.enrolAtLogin ?? secondFactor.enrolAtLogin)
    },
  }
}
