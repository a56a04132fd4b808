import type { ApprovalRequest } from '../domain/approval.ts'
import type { PendingChallenge } from '../domain/challenge.ts'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import { KeyRing } from '../domain/key-ring.ts'
import type { Log } from '../domain/log.ts'
import type { LoginStore } from '../domain/login-records.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Secret } from '../domain/secret.ts'
import { DirectoryGuard } from './directory-guard.ts'
import { EnrolmentCodes } from './enrolment-codes.ts'
import type { ApprovalAtLogin, LoginOptions, LoginSettings } from './login.ts'
import { lookingLimits } from './looking-limits.ts'

export interface LookingOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly settings: LoginSettings
  readonly quotas: LoginOptions['quotas']
  /** Keep nothing: see `lookingRecords`. */
  readonly records: LoginStore
  readonly candidates: LoginOptions['candidates']
  readonly hasPasskey: LoginOptions['hasPasskey']
  readonly log: Log
}

const KEY_OCTETS = 32

/** What a login goes by, where everything that it would count, spend, store or send is left out. */
export function lookingOptions({
  settings,
  quotas,
  records,
  candidates,
  hasPasskey,
  log,
  clock,
  random,
}: LookingOptions): LoginOptions {
  const keys = new KeyRing([{ id: 'foreseen', key: new Secret(random.bytes(KEY_OCTETS)) }], random)
  const { enrolAtLogin, approval, ...rules } = settings
  const enrolmentCodes = new EnrolmentCodes(keepsNothing(), random)
  const pending = new Map<string, PendingChallenge>()
  return {
    ...rules,
    quotas,
    candidates,
    records,
    limits: lookingLimits,
    audit: { append: async () => {} },
    withdrawals: { add() {} },
    knownAddresses: {
      async has(user, account, address) {
        return records.isKnownAddress({ user, account, address, now: clock.now() })
      },
    },
    challenges: {
      async put(state, challenge) {
        pending.set(state, challenge)
      },
      take: async (state) => pending.get(state),
    },
    unansweredPrompts: { watch() {}, answered() {} },
    repeatedEvents: { tellFirst: async () => {} },
    invitations: { redeem: async () => undefined, endOf: async () => undefined },
    endings: { get: async () => undefined },
    directoryGuard: new DirectoryGuard({
      limits: lookingLimits,
      wrongPasswords: keepsNothing(),
      records,
      keys,
      clock,
      log,
    }),
    // What was typed is right, and was when the user was trusted.
    passwordHashes: { hash: async () => 'foreseen', verify: async () => true },
    keys,
    enrolmentCodes,
    hasPasskey,
    enrolAtLogin: enrolAtLogin && { ...enrolAtLogin, codes: enrolmentCodes },
    approval: approval && { ...approval, approvals: lookingApprovals(clock) },
    equalizer: { start: () => 0, answerAt: () => 0 },
    clock,
    random,
    log,
  }
}

/** The user approves whatever is asked. */
function lookingApprovals(clock: Runtime['clock']): ApprovalAtLogin['approvals'] {
  const asked = new Map<string, ApprovalRequest>()
  return {
    ttlMs: 0,
    async ask(about) {
      const request = {
        ...about,
        id: 'foreseen',
        number: 0,
        choices: [],
        place: '',
        askedAt: clock.now(),
        expiresAt: clock.now(),
      }
      asked.set(request.id, request)
      return request
    },
    async fetch(id) {
      const request = asked.get(id)
      return request && { kind: 'approved', request, passkey: 'foreseen' }
    },
    withdraw: async () => {},
  }
}

function keepsNothing<Value>(): EphemeralStore<Value> {
  return {
    put: async () => {},
    putIfAbsent: async () => true,
    putIfPresent: async () => false,
    get: async () => undefined,
    take: async () => undefined,
    delete: async () => {},
  }
}
