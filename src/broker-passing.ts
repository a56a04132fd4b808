import type { Config } from './config/shape.ts'
import type { ChallengeStore, PendingChallenge } from './domain/challenge.ts'
import type { KeyRing } from './domain/key-ring.ts'
import type { AttemptLimits } from './domain/limits.ts'
import type { Log } from './domain/log.ts'
import type { Machine } from './domain/machine.ts'
import type { OpenPassing } from './domain/passing-store.ts'
import { attemptLimits, tallyRules } from './limits/attempt-limits.ts'
import { insuredChallenges, type OwnChallenge } from './limits/insured-challenges.ts'
import { insuredTally } from './limits/insured-tally.ts'
import { Owed } from './limits/owed.ts'
import { type OwnState, stateInMemory } from './limits/own-state.ts'
import { connectRedis, type RedisConnection } from './limits/redis-connection.ts'
import { examineRedis } from './limits/redis-examination.ts'
import { redisPassingStore } from './limits/redis-passing-store.ts'
import { redisTally } from './limits/redis-tally.ts'
import type { SharedRequestLimits } from './limits/request-limits.ts'
import { Run } from './limits/run.ts'
import { tellOfEndedRuns } from './limits/run-ends.ts'
import type { TallyRules } from './limits/tally.ts'

/** Limits and all state that passes: in Redis where one is configured, and in this broker's own hands otherwise. */
export interface Passing {
  readonly limits: AttemptLimits
  readonly challenges: ChallengeStore
  readonly open: OpenPassing
  /** Where limits of HTTP requests are counted together; absent: in memory. */
  readonly shared?: SharedRequestLimits
  /** What `/readyz` asks. */
  readonly dependencies: readonly { readonly name: string; checkReady(): Promise<void> }[]
  close(): void
}

/** Logins that may wait for a code at once; each costs about a kilobyte. */
const MOST_CHALLENGES = 50_000
/** How long a start waits for Redis before it goes on without, in milliseconds. */
const START_WAITS_MS = 2000

/**
 * Never fails for an outage: a broker that starts while Redis is away begins alone and joins the others later.
 * @param own where the broker keeps what it does not share with others, or cannot while Redis is away; its memory
 * where it is not given.
 */
export async function openPassing(
  config: Config,
  keys: KeyRing,
  log: Log,
  machine: Machine,
  own: OwnState = stateInMemory(machine.clock),
): Promise<Passing> {
  const { redis } = config
  if (redis === undefined) return alone(config, machine, own)
  const connection = connectRedis(redis, log)
  await isThere(connection, log)
  const { clock, random } = machine
  const rules = tallyRules(limitRules(config))
  const shared = redisTally(rules, connection)
  const owed = new Owed({ forMs: Math.max(rules.heldMs, rules.withinMs), clock })
  connection.onReady(() => owed.pay())
  const run = new Run(random)
  const endRun = await tellOfEndedRuns({ folder: config.storage.spool, run, shared, owed, clock, log })
  const open: OpenPassing = (name) => redisPassingStore({ name, connection, keys, log })
  return {
    limits: attemptLimits(insuredTally({ shared, own: own.tally(ownRules(config)), owed, clock, log }), run),
    challenges: insuredChallenges({
      shared: open<PendingChallenge>('challenges', MOST_CHALLENGES),
      own: own.open<OwnChallenge>('challenges', MOST_CHALLENGES),
      spent: own.open<true>('spent challenges', MOST_CHALLENGES),
      owed,
      clock,
    }),
    open,
    shared: { connection, brokers: redis.brokers },
    dependencies: [{ name: 'redis', checkReady: connection.checkReady }],
    close() {
      endRun()
      owed.close()
      connection.close()
    },
  }
}

function alone(config: Config, { random }: Machine, own: OwnState): Passing {
  return {
    limits: attemptLimits(own.tally(ownRules(config)), new Run(random)),
    challenges: own.open('challenges', MOST_CHALLENGES),
    open: own.open,
    dependencies: [],
    close() {},
  }
}

/** What this broker allows by its own count: its part where others go on beside it while Redis is away. */
export function ownRules(config: Config): TallyRules {
  return tallyRules(limitRules(config), config.redis?.brokers)
}

function limitRules({ limits, lockout, radius }: Config) {
  return { rates: limits, lockout, heldMs: 2 * radius.deadlineMs }
}

/** Looks at the settings of Redis as soon as it is there. */
async function isThere(connection: RedisConnection, log: Log): Promise<void> {
  const examined = connection.whenReady().then(() => examineRedis(connection, log))
  await Promise.race([
    examined.catch((error: unknown) => log.warn('redis.not_examined', { error })),
    new Promise((resolve) => setTimeout(resolve, START_WAITS_MS).unref()),
  ])
}
