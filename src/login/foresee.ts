import type { GraceLeft } from '../domain/grace.ts'
import type { Lockout } from '../domain/lockout.ts'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import type { Person } from '../domain/person.ts'
import type { Entitlement } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Runtime } from '../domain/runtime.ts'
import { Secret } from '../domain/secret.ts'
import type { ApprovePrompt } from './ask-for-code.ts'
import { type Decision, LoginFlow } from './flow.ts'
import type { LoginOptions, LoginSettings } from './login.ts'
import { lookingOptions } from './looking-options.ts'
import { type LoginReads, lookingRecords } from './looking-records.ts'
import { type AskedStore, LookingStores, type Lookups } from './looking-stores.ts'
import type { Grant } from './steps/grant.ts'

export interface ForeseeOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly settings: LoginSettings
  readonly reads: LoginReads
  readonly candidates: LoginOptions['candidates']
  readonly quotas: LoginOptions['quotas']
  readonly hasPasskey: LoginOptions['hasPasskey']
  readonly lookups: Lookups
  /** Milliseconds within which the login must be decided. */
  readonly patienceMs: number
  /** Whether the login goes on as if no lockout were in force. */
  readonly liftsLocks?: boolean
}

/** How a login would end. Never a `Grant`: that exists only after the records hold it. */
export type ForeseenEnd =
  | {
      readonly kind: 'lets_in'
      readonly policy: string
      readonly entitlement: Entitlement
      /** By the password alone: because of a full login from there, or for a while without an authenticator. */
      readonly waivedBy: Grant['waivedBy']
      /** With a passkey, alone or where a code would do as well. */
      readonly approves?: 'passkey' | 'passkey_or_code'
    }
  /** It would show where the first authenticator is enrolled, and with what code. */
  | { readonly kind: 'enrols' /** Whether the user may go on without. */; readonly grace?: GraceLeft }
  | Refusal

export interface Foreseen {
  readonly end: ForeseenEnd
  /** In the order in which they were asked. */
  readonly stores: readonly AskedStore[]
  /** The lockouts that concern the user, the address or the two, whether they bar the login or not. */
  readonly locks: readonly Lockout[]
  /** Whom a store has confirmed. */
  readonly person?: Person
}

/** Stand for the right password and the right code. The code has the form of a recovery code, so that no key is needed. */
const PASSWORD = 'the right password'
const CODE = 'aaaa-aaaa-aaaa-aaaa'

/**
 * Takes a login with the right password and code through the very steps of one at a gateway, where all that it would
 * count, spend, store or send is left out. It cannot know the rates, and it takes for granted that what was typed is right.
 */
export async function foresee(
  supposed: Pick<LoginAttempt, 'name' | 'gateway' | 'address' | 'client'>,
  options: ForeseeOptions,
): Promise<Foreseen> {
  const { settings, quotas, reads, clock, random, liftsLocks = false } = options
  const stores = new LookingStores(options.lookups, new Secret(PASSWORD))
  const locks = new Map<string, Lockout>()
  let fault: unknown
  const records = lookingRecords({
    reads,
    liftsLocks,
    onLocks: (found) => {
      for (const lock of found) locks.set(lock.id, lock)
    },
  })
  const flow = new LoginFlow(
    lookingOptions({
      settings,
      quotas,
      hasPasskey: options.hasPasskey,
      records,
      candidates: (...about) => options.candidates(...about).map((candidate) => stores.looking(candidate)),
      log: {
        debug() {},
        info() {},
        warn() {},
        error: (_, fields) => {
          fault = fields?.error
        },
      },
      clock,
      random,
    }),
  )
  const type = (typed: string, state?: string) =>
    flow.atGateway({
      ...supposed,
      id: random.id(),
      typed: new Secret(typed),
      state,
      deadline: clock.monotonic() + options.patienceMs,
    })
  let approves: ApprovePrompt | undefined
  const decision = await decide(settings, async (typed, state) => {
    const answer = await type(typed, state)
    if (answer.kind === 'challenge' && answer.prompt.kind === 'approve') approves = answer.prompt
    return answer
  })
  // A fault of the broker is none of the login's answers.
  if (fault !== undefined) throw fault
  return {
    end: endOf(decision, approves),
    stores: stores.asked,
    locks: [...locks.values()],
    person: stores.asked.at(-1)?.person,
  }
}

/** As the user would, who knows whether a code is wanted, and where. */
async function decide(
  { mode }: Pick<LoginSettings, 'mode'>,
  type: (typed: string, state?: string) => Promise<Decision>,
): Promise<Decision> {
  if (mode === 'only') return type(CODE)
  let decision = await type(PASSWORD)
  if (decision.kind === 'challenge' && decision.prompt.kind !== 'enrol') {
    decision = await type(CODE, decision.state)
    // A user with too many sessions is asked again, a few times.
    while (decision.kind === 'challenge') decision = await type(CODE, decision.state)
    return decision
  }
  // Nothing else can be wrong with no code: it belongs behind the password.
  return decision.kind === 'refusal' && decision.reason === 'wrong_code' ? type(PASSWORD + CODE) : decision
}

function endOf(decision: Decision, approves: ApprovePrompt | undefined): ForeseenEnd {
  if (decision.kind === 'refusal') return decision
  if (decision.kind === 'challenge')
    return { kind: 'enrols', ...(decision.prompt.kind === 'enrol' && { grace: decision.prompt.grace }) }
  const { policy, entitlement, waivedBy } = decision
  const how = approves && (approves.takesCode ? 'passkey_or_code' : 'passkey')
  return { kind: 'lets_in', policy, entitlement, waivedBy, ...(how && { approves: how }) }
}
