import type { RequestHandler } from 'express'
import type { RequestLimits } from '../domain/request-limits.ts'
import { addressOf } from './peer.ts'
import { Problem, secondsOf } from './problem.ts'

/** @throws Problem `too-many-requests` */
export async function count(limits: RequestLimits, of: 'address' | 'token', key: string): Promise<void> {
  const waitMs = await limits.count(of, key)
  if (waitMs !== undefined) throw new Problem('too-many-requests', { retryAfter: secondsOf(waitMs) })
}

export function limitedByAddress(limits: RequestLimits): RequestHandler {
  return async (request, _response, next) => {
    await count(limits, 'address', addressOf(request))
    next()
  }
}
