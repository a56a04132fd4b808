import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Rate } from '../domain/duration.ts'
import { customerNetwork, WIDER_NETWORKS, widerNetwork } from '../domain/network.ts'
import type { RequestLimits } from '../domain/request-limits.ts'
import type { RedisConnection } from '../redis/connection.ts'

type Kind = 'address' | 'token'

/** For brokers that count together. */
export interface SharedRequestLimits {
  readonly connection: RedisConnection
  /** How many brokers share the limits; while Redis is unavailable each has its share of them. */
  readonly brokers: number
}

/**
 * Fixed windows. Across the border of two windows twice the limit can pass. A request from an IPv6 address also counts
 * under the wider networks around it, if its own /64 has room: a flood from there takes nothing of its neighbours'.
 * @param shared absent: counts in memory.
 * @param limiters those that count already.
 */
export function requestLimits(
  rates: Readonly<Record<Kind, Rate>>,
  shared?: SharedRequestLimits,
  limiters: Limiters = new Map(),
): ReloadableRequestLimits {
  const limited = (kind: string, rate: Rate): Limited => {
    const known = limiters.get(kind) ?? limiter(kind, rate, shared)
    limiters.set(kind, known)
    return { ...known, rate, brokers: shared?.brokers ?? 1 }
  }
  const own = { address: limited('address', rates.address), token: limited('token', rates.token) }
  const wider = WIDER_NETWORKS.map(({ bits, times }) => {
    const { points, windowMs } = rates.address
    return { bits, ...limited(`address_${bits}`, { points: points * times, windowMs }) }
  })

  function countersOf(of: Kind, key: string): readonly Counter[] {
    if (of === 'token') return [{ ...own.token, key }]
    return [
      { ...own.address, key: customerNetwork(key) },
      ...wider.flatMap(({ bits, ...each }) => {
        const network = widerNetwork(key, bits)
        return network === undefined ? [] : [{ ...each, key: network }]
      }),
    ]
  }

  return {
    async count(of, key) {
      const counted: Counter[] = []
      for (const counter of countersOf(of, key)) {
        const waitMs = await consume(counter)
        if (waitMs === undefined) counted.push(counter)
        else {
          await uncount(counted)
          return waitMs
        }
      }
      return undefined
    },
    refund: (of, key) => uncount(countersOf(of, key)),
    with: (next) => requestLimits(next, shared, limiters),
  }
}

/** What a reload lets others count by. */
export interface ReloadableRequestLimits extends RequestLimits {
  /** By other rates; what was counted by these goes on counting. */
  with(rates: Readonly<Record<Kind, Rate>>): ReloadableRequestLimits
}

type Limiters = Map<string, Pick<Limited, 'limiter' | 'insurance'>>

/** A limiter, and the rate that it is to keep to. */
interface Limited {
  readonly limiter: RateLimiterMemory | RateLimiterRedis
  /** Counts while Redis is away. */
  readonly insurance?: RateLimiterMemory
  readonly rate: Rate
  readonly brokers: number
}

interface Counter extends Limited {
  readonly key: string
}

/** @returns milliseconds until there is room again. */
async function consume({ limiter, insurance, key, rate, brokers }: Counter): Promise<number | undefined> {
  keepTo(limiter, rate)
  if (insurance !== undefined) keepTo(insurance, shareOf(rate, brokers))
  try {
    await limiter.consume(key)
    return undefined
  } catch (rejection) {
    if (rejection instanceof RateLimiterRes) return rejection.msBeforeNext
    throw rejection
  }
}

async function uncount(counters: readonly Counter[]): Promise<void> {
  await Promise.all(counters.map(({ limiter, key }) => limiter.reward(key)))
}

/** Requests by the rates before a reload and by those after it count together. */
function keepTo(limiter: Limited['limiter'], { points, windowMs }: Rate): void {
  limiter.points = points
  limiter.duration = windowMs / 1000
}

function shareOf({ points, windowMs }: Rate, brokers: number): Rate {
  return { points: Math.max(1, Math.floor(points / brokers)), windowMs }
}

function limiter(kind: string, rate: Rate, shared?: SharedRequestLimits): Omit<Limited, 'rate' | 'brokers'> {
  const optionsOf = ({ points, windowMs }: Rate) => ({ keyPrefix: kind, duration: windowMs / 1000, points })
  if (shared === undefined) return { limiter: new RateLimiterMemory(optionsOf(rate)) }
  const { connection, brokers } = shared
  const insurance = new RateLimiterMemory(optionsOf(shareOf(rate, brokers)))
  const limiter = new RateLimiterRedis({
    ...optionsOf(rate),
    keyPrefix: connection.key('requests', kind),
    storeClient: connection.client,
    rejectIfRedisNotReady: true,
    insuranceLimiter: insurance,
  })
  return { limiter, insurance }
}
