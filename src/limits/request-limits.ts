import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Rate } from '../domain/duration.ts'
import { customerNetwork } from '../domain/network.ts'
import type { RequestLimits } from '../domain/request-limits.ts'
import type { RedisConnection } from './redis-connection.ts'

type Kind = 'address' | 'token'

/** Where brokers count together. */
export interface SharedRequestLimits {
  readonly connection: RedisConnection
  /** How many brokers share the limits: while Redis is away, each goes on with its part. */
  readonly brokers: number
}

/**
 * Each request counts under one key, so a fixed window in one step is enough; where two windows meet, twice the limit
 * can pass. @param shared absent: one broker counts in its memory.
 */
export function requestLimits(
  rates: Readonly<Record<Kind, Rate>>,
  shared?: SharedRequestLimits,
): RequestLimits {
  const limiters = {
    address: limiter('address', rates.address, shared),
    token: limiter('token', rates.token, shared),
  }
  const counted = (of: Kind, key: string) => (of === 'address' ? customerNetwork(key) : key)
  return {
    async count(of, key) {
      try {
        await limiters[of].consume(counted(of, key))
        return undefined
      } catch (rejection) {
        if (rejection instanceof RateLimiterRes) return rejection.msBeforeNext
        throw rejection
      }
    },
    async giveBack(of, key) {
      await limiters[of].reward(counted(of, key))
    },
  }
}

function limiter(kind: Kind, { points, windowMs }: Rate, shared?: SharedRequestLimits) {
  const window = { keyPrefix: kind, duration: windowMs / 1000 }
  if (shared === undefined) return new RateLimiterMemory({ ...window, points })
  const { connection, brokers } = shared
  return new RateLimiterRedis({
    ...window,
    keyPrefix: connection.key('requests', kind),
    points,
    storeClient: connection.client,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({
      ...window,
      points: Math.max(1, Math.floor(points / brokers)),
    }),
  })
}
