import type { Config } from '../config/schema.ts'
import type { AttemptLimits } from '../domain/attempt-limits.ts'
import type { Clock } from '../domain/clock.ts'
import type { ClassForm } from '../domain/gateway.ts'
import type { Runtime } from '../domain/runtime.ts'
import { rolesOf } from '../domain/scope.ts'
import { SiteDays } from '../domain/site-days.ts'
import { Approvals } from '../login/approvals.ts'
import { DirectoryGuard, type WrongPasswords } from '../login/directory-guard.ts'
import { EnrolmentCodes } from '../login/enrolment-codes.ts'
import { GrantReplayCache, type RecentGrant } from '../login/grant-replay.ts'
import { KnownAddresses } from '../login/known-addresses.ts'
import type { LoginOptions, LoginSettings } from '../login/login.ts'
import { Quotas } from '../login/quotas.ts'
import { RepeatedEvents } from '../login/repeated-events.ts'
import { SeenAccounts } from '../login/seen-accounts.ts'
import { UnansweredPrompts } from '../login/unanswered-prompts.ts'
import { grantFault } from '../radius/check-grant.ts'
import { type EphemeralState, openEndings } from './ephemeral.ts'
import { passkeySiteOf } from './passkeys.ts'
import type { Store } from './storage.ts'

/** Logins that may be answered once more at one time; each costs about a kilobyte. */
const MAX_RECENT_GRANTS = 50_000
const MAX_ENROLMENT_CODES = 10_000
/** Accounts whose wrong passwords are remembered at one time; each costs up to two kilobytes. */
const MAX_WRONG_PASSWORDS = 20_000

/** What the way of a login is made of, by the configuration. */
export function loginOptions(
  config: Config,
  store: Store,
  {
    limits,
    challenges,
    open,
  }: Pick<EphemeralState, 'challenges' | 'open'> & { readonly limits: AttemptLimits },
  { equalizer, withdrawals, passkeys }: Pick<LoginOptions, 'equalizer' | 'withdrawals' | 'passkeys'>,
  { clock, random, log, metrics }: Runtime,
): LoginOptions {
  const { records, keys } = store
  const { sameAnswerWithinMs, totp } = config.secondFactor
  const { enrolAtLogin, approval, ...settings } = loginSettings(config)
  const enrolmentCodes = new EnrolmentCodes(open('enrolment codes', MAX_ENROLMENT_CODES), random)
  const repeatedEvents = new RepeatedEvents({
    tally: limits.tally,
    audit: records.audit,
    windowMs: config.limits.address.windowMs,
    clock,
    random,
    log,
  })
  const grantReplay =
    sameAnswerWithinMs === 0
      ? undefined
      : new GrantReplayCache({
          recent: open<RecentGrant>('recent grants', MAX_RECENT_GRANTS),
          withinMs: sameAnswerWithinMs,
          window: totp.window,
          keys,
          clock,
          log,
        })
  return {
    ...settings,
    limits,
    records: records.login,
    audit: records.audit,
    withdrawals,
    knownAddresses: new KnownAddresses(records.login, clock),
    seenAccounts: new SeenAccounts({ accountGroups: records.accountGroups, clock, log }),
    quotas: quotasOf(config, store, clock),
    challenges,
    repeatedEvents,
    unansweredPrompts: new UnansweredPrompts({ challenges, repeatedEvents, clock, random, log }),
    invitations: records.invitations,
    enrolmentCodes,
    hasPasskey: async (subject) => (await records.passkeys.list(subject)).length > 0,
    passkeys,
    endings: openEndings({ open }),
    candidates: store.candidates,
    directoryGuard: new DirectoryGuard({
      limits,
      records: records.login,
      wrongPasswords: open<WrongPasswords>('wrong passwords', MAX_WRONG_PASSWORDS),
      keys,
      clock,
      log,
    }),
    keys,
    passwordHashes: store.hashes,
    enrolAtLogin: enrolAtLogin && { ...enrolAtLogin, codes: enrolmentCodes },
    approval: approval && { ...approval, approvals: approvalsOf(config, open, { clock, random }) },
    grantReplay,
    equalizer,
    onLate: (step) => metrics.late(step),
    clock,
    random,
    log,
  }
}

/** What decides a login by the configuration alone: logins and `explain` go by the same. */
export function loginSettings(config: Config): LoginSettings {
  const { secondFactor } = config
  const { mode, required, tries, answerWithinMs, totp } = secondFactor
  const { exempt, tellUser: _, ...lockoutRules } = config.lockout
  return {
    lockoutRules,
    exempt,
    mode,
    secondFactorRequired: required,
    hasRole: (groups) => config.http !== undefined && rolesOf(groups, config.http.roles).length > 0,
    tries,
    totpWindow: totp,
    challengeTtlMs: answerWithinMs,
    enrolsByPassword: config.portal.enrolsByPassword,
    enrolAtLogin: enrolmentAtLogin(config),
    approval: approvalAtLogin(config),
    grace: secondFactor.grace && { rule: secondFactor.grace, page: config.portal.publicUrl },
    policies: config.policies,
    pools: config.pools,
    replyFault: grantFault,
    classFormOf: classFormsOf(config),
  }
}

/** The quotas of the configuration. */
export function quotasOf(
  { policies, accounting }: Config,
  { records }: Pick<Store, 'records'>,
  clock: Clock,
): Quotas {
  return new Quotas({ usage: records.usage, policies, days: new SiteDays(accounting.timeZone), clock })
}

/** By policy, and only where a policy lets the user in. */
function enrolmentAtLogin({ portal, secondFactor }: Config): LoginSettings['enrolAtLogin'] {
  if (portal.publicUrl === undefined) return undefined
  return {
    page: `${portal.publicUrl}/enrol`,
    mayEnrol(policy) {
      return policy?.reply !== undefined && (policy.enrolAtLogin ?? secondFactor.enrolAtLogin)
    },
  }
}

/** Logins that wait for their users: the same for logins at gateways and for the page where they are approved. */
export function approvalsOf(
  { secondFactor }: Config,
  open: EphemeralState['open'],
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): Approvals {
  return new Approvals({ open, ttlMs: secondFactor.answerWithinMs, clock, random })
}

/** Where passkeys are; which policy asks for them is seen at the login. */
function approvalAtLogin(config: Config): LoginSettings['approval'] {
  return passkeySiteOf(config) && { page: `${config.portal.publicUrl}/approve` }
}

/** How each gateway reads groups, by its name. */
function classFormsOf({ gateways }: Config): (gateway: string) => ClassForm {
  const forms = new Map(gateways.map(({ name, classForm }) => [name, classForm]))
  return (gateway) => forms.get(gateway) ?? 'semicolon'
}
