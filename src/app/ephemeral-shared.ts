import { announceEndedProcesses } from '../cluster/ended-processes.ts'
import type { LocalState } from '../cluster/local-state.ts'
import type { Config } from '../config/schema.ts'
import type { RedisConfig } from '../config/sections/redis.ts'
import type { PendingChallenge } from '../domain/challenge.ts'
import type { OpenEphemeralStore } from '../domain/ephemeral-store.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { Log } from '../domain/log.ts'
import type { Runtime } from '../domain/runtime.ts'
import { challengesWithFallback, type LocalChallenge } from '../ephemeral/challenges-with-fallback.ts'
import { redisStore } from '../ephemeral/redis-store.ts'
import { attemptLimits, counterRules } from '../limits/attempt-limits.ts'
import { withLocalFallback } from '../limits/counter-with-fallback.ts'
import { ProcessId } from '../limits/process-id.ts'
import { redisCounter } from '../limits/redis-counter.ts'
import { connectRedis, type RedisConnection } from '../redis/connection.ts'
import { RetryQueue } from '../redis/retry-queue.ts'
import { checkServerSettings } from '../redis/settings-check.ts'
import { type EphemeralState, limitRules, localRules, MAX_CHALLENGES } from './ephemeral.ts'

export interface SharedStateOptions {
  readonly config: Config
  readonly redis: RedisConfig
  readonly keys: KeyRing
  readonly runtime: Runtime
  readonly localState: LocalState
}

/** How long a start waits for Redis before it goes on without it, in milliseconds. */
const START_WAITS_MS = 2000

/** What brokers share in Redis, and what this one goes on with while Redis is away. */
export async function openSharedState({
  config,
  redis,
  keys,
  runtime,
  localState,
}: SharedStateOptions): Promise<EphemeralState> {
  const { clock, random, log } = runtime
  const connection = connectRedis(redis, log)
  await isThere(connection, log)
  const rules = counterRules(limitRules(config))
  const retries = new RetryQueue({ maxAgeMs: Math.max(rules.inFlightMs, rules.withinMs), clock })
  connection.onReady(() => retries.flush())
  const run = new ProcessId(random)
  const endRun = await announceEndedProcesses({
    folder: config.storage.spool,
    run,
    shared: redisCounter(rules, connection),
    retries,
    clock,
    log,
  })
  const open: OpenEphemeralStore = (name) => redisStore({ name, connection, keys, log })
  return {
    limits(next) {
      const nextRules = counterRules(limitRules(next))
      retries.keepFor(Math.max(nextRules.inFlightMs, nextRules.withinMs))
      const shared = redisCounter(nextRules, connection)
      return attemptLimits(
        withLocalFallback({ shared, local: localState.counter(localRules(next)), retries, clock, log }),
        run,
      )
    },
    challenges: challengesWithFallback({
      shared: open<PendingChallenge>('challenges', MAX_CHALLENGES),
      local: localState.open<LocalChallenge>('challenges', MAX_CHALLENGES),
      spent: localState.open<true>('spent challenges', MAX_CHALLENGES),
      retries,
      clock,
    }),
    open,
    shared: { connection, brokers: redis.brokers },
    dependencies: [{ name: 'redis', checkReady: connection.checkReady }],
    close() {
      endRun()
      retries.close()
      connection.close()
    },
  }
}

/** Looks at the settings of Redis as soon as it is there. */
async function isThere(connection: RedisConnection, log: Log): Promise<void> {
  const examined = connection.whenReady().then(() => checkServerSettings(connection, log))
  await Promise.race([
    examined.catch((error: unknown) => log.warn('redis.not_examined', { error })),
    new Promise((resolve) => setTimeout(resolve, START_WAITS_MS).unref()),
  ])
}
