import { type LocalState, stateInMemory } from '../cluster/local-state.ts'
import type { Config } from '../config/schema.ts'
import type { AttemptLimits } from '../domain/attempt-limits.ts'
import type { ChallengeStore } from '../domain/challenge.ts'
import type { EphemeralStore, OpenEphemeralStore } from '../domain/ephemeral-store.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { CounterRules } from '../limits/attempt-counter.ts'
import { attemptLimits, counterRules } from '../limits/attempt-limits.ts'
import { ProcessId } from '../limits/process-id.ts'
import type { SharedRequestLimits } from '../limits/request-limits.ts'

/** Limits and all state that expires: in Redis if one is configured, and otherwise in this broker's memory. */
export interface EphemeralState {
  /** Limits by the rules of a configuration. What was counted by others goes on counting. */
  limits(config: Config): AttemptLimits
  readonly challenges: ChallengeStore
  readonly open: OpenEphemeralStore
  /** Where limits of HTTP requests are counted together; absent: in memory. */
  readonly shared?: SharedRequestLimits
  /** What `/readyz` asks. */
  readonly dependencies: readonly { readonly name: string; checkReady(): Promise<void> }[]
  close(): void
}

/** Logins that may wait for a code at once; each costs about a kilobyte. */
export const MAX_CHALLENGES = 50_000
/** Browsers that are signed in at one time; each costs about a kilobyte. */
export const MAX_SESSIONS = 50_000

/** By username, the last ending of all browser sessions of the user. */
export function openEndings({ open }: Pick<EphemeralState, 'open'>): EphemeralStore<string> {
  return open<string>('ended web sessions', MAX_SESSIONS)
}

/**
 * Never fails for an outage: a broker that starts while Redis is away begins alone and joins the others later.
 * @param localState where the broker keeps what it does not share with others, or cannot share while Redis is away: in its
 * memory if it is not given.
 */
export async function openEphemeralState(
  config: Config,
  keys: KeyRing,
  runtime: Runtime,
  localState: LocalState = stateInMemory(runtime.clock),
): Promise<EphemeralState> {
  const { redis } = config
  if (redis === undefined) return alone(runtime, localState)
  const { openSharedState } = await import('./ephemeral-shared.ts')
  return openSharedState({ config, redis, keys, runtime, localState })
}

function alone({ random }: Runtime, localState: LocalState): EphemeralState {
  const run = new ProcessId(random)
  return {
    limits: (config) => attemptLimits(localState.counter(localRules(config)), run),
    challenges: localState.open('challenges', MAX_CHALLENGES),
    open: localState.open,
    dependencies: [],
    close() {},
  }
}

/** What this broker allows by its own count: its share, if several brokers count alone while Redis is away. */
export function localRules(config: Config): CounterRules {
  return counterRules(limitRules(config), config.redis?.brokers)
}

/** The rules that brokers keep together. */
export function limitRules({ limits, lockout, radius }: Config) {
  return { rates: limits, lockout, inFlightMs: 2 * radius.deadlineMs }
}
