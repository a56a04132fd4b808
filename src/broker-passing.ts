import type { Machine } from './broker.ts'
import type { Config } from './config/shape.ts'
import type { ChallengeStore, PendingChallenge } from './domain/challenge.ts'
import type { KeyRing } from './domain/key-ring.ts'
import type { AttemptLimits } from './domain/limits.ts'
import type { Log } from './domain/log.ts'
import type { OpenPassing } from './domain/passing-store.ts'
import { attemptLimits, tallyRules } from './limits/attempt-limits.ts'
import { insuredChallenges, type OwnChallenge } from './limits/insured-challenges.ts'
import { insuredTally } from './limits/insured-tally.ts'
import { memoryPassingStore } from './limits/memory-passing-store.ts'
import { memoryTally } from './limits/memory-tally.ts'
import { connectRedis, type RedisConnection } from './limits/redis-connection.ts'
import { examineRedis } from './limits/redis-examination.ts'
import { redisPassingStore } from './limits/redis-passing-store.ts'
import { redisTally } from './limits/redis-tally.ts'
import type { SharedRequestLimits } from './limits/request-limits.ts'

/** Limits and all state that passes: in Redis where one is configured, and in the memory of this broker otherwise. */
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

/** Never fails for an outage: a broker that starts while Redis is away begins alone and joins the others later. */
export async function openPassing(
  config: Config,
  keys: KeyRing,
  log: Log,
  machine: Machine,
): Promise<Passing> {
  const { redis } = config
  if (redis === undefined) return inMemory(config, machine)
  const connection = connectRedis(redis, log)
  await isThere(connection, log)
  const { clock, random } = machine
  const rules = limitRules(config)
  const own = memoryTally(tallyRules(rules, redis.brokers), { clock })
  const open: OpenPassing = (name) => redisPassingStore({ name, connection, keys, log })
  return {
    limits: attemptLimits(insuredTally(redisTally(tallyRules(rules), connection), own, log), random),
    challenges: insuredChallenges(
      open<PendingChallenge>('challenges', MOST_CHALLENGES),
      memoryPassingStore<OwnChallenge>({ name: 'challenges', clock, capacity: MOST_CHALLENGES }),
    ),
    open,
    shared: { connection, brokers: redis.brokers },
    dependencies: [{ name: 'redis', checkReady: connection.checkReady }],
    close: connection.close,
  }
}

function inMemory(config: Config, { clock, random }: Machine): Passing {
  const open: OpenPassing = (name, capacity) => memoryPassingStore({ name, clock, capacity })
  return {
    limits: attemptLimits(memoryTally(tallyRules(limitRules(config)), { clock }), random),
    challenges: open('challenges', MOST_CHALLENGES),
    open,
    dependencies: [],
    close() {},
  }
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
