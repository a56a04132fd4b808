import type { RequestHandler, Response } from 'express'
import type { Locale } from '../../domain/locale.ts'
import { callerOf } from '../../http/caller.ts'
import type { HttpServices } from '../../http/services.ts'
import { countText } from '../layout/formatters.ts'

/** Lockouts in force are counted no further. */
export const MAX_COUNTED = 1000

/** Counts the lockouts in force for the bar at the top of every page. */
export function countLockedOut({
  recordsOf,
  clock,
}: Pick<HttpServices, 'recordsOf' | 'clock'>): RequestHandler {
  return async (request, response, next) => {
    const caller = callerOf(request)
    if (request.method === 'GET' && caller.rights.has('lockouts:read'))
      response.locals.lockedOut = await recordsOf(caller).lockouts.countInForce(clock.now(), MAX_COUNTED)
    next()
  }
}

/** @returns the number as it is shown; undefined where it is not counted. */
export function lockedOutText(response: Response, locale: Locale): string | undefined {
  const count: unknown = response.locals.lockedOut
  if (typeof count !== 'number') return undefined
  return countText(count, locale) + (count >= MAX_COUNTED ? '+' : '')
}
