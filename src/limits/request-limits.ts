import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Rate } from '../domain/duration.ts'
import { parseAddress } from '../domain/network.ts'
import type { RequestLimits } from '../domain/request-limits.ts'

/** The part of an IPv6 address that belongs to one customer: within it addresses cost nothing. */
const CUSTOMER_OCTETS = 8

/** In the memory of each broker: a flood is stopped where it arrives. */
export function requestLimits(rates: { readonly address: Rate; readonly token: Rate }): RequestLimits {
  const limiter = (name: string, { points, windowMs }: Rate) =>
    new RateLimiterMemory({ keyPrefix: name, points, duration: windowMs / 1000 })
  const limiters = { address: limiter('address', rates.address), token: limiter('token', rates.token) }
  const counted = (of: 'address' | 'token', key: string) => (of === 'address' ? customerOf(key) : key)
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

function customerOf(address: string): string {
  const parsed = parseAddress(address)
  if (parsed?.kind() !== 'ipv6') return address
  return Buffer.from(parsed.toByteArray().slice(0, CUSTOMER_OCTETS)).toString('hex')
}
