import { RATE_NAMES } from '../../domain/attempt-limits.ts'
import { Unavailable } from '../../domain/errors.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'

/** Whatever went wrong, the login is refused. Anything but a known outage is a fault of the broker and logged as one. */
export async function recordOutage(outage: unknown, login: Login): Promise<Refusal> {
  const error = await refund(outage, login)
  const isKnown = error instanceof Unavailable
  const detail = isKnown ? error.message : 'internal error'
  if (!isKnown) login.options.log.error('login.fault', { attempt: login.attempt.id, error })
  if (login.admission === undefined) login.auditAsync('login.unavailable', { detail })
  else login.options.withdrawals.add(login.admission, login.event('login.unavailable', { detail }))
  return refuse('unavailable', detail)
}

/**
 * Gives the points back. Where a password was sent and no answer came, it may have been a wrong guess whose refusal came
 * too late: it locks nobody, but goes on counting in the rates.
 * @returns what to report: the outage, or that of giving back.
 */
async function refund(outage: unknown, { permit }: Login): Promise<unknown> {
  try {
    await permit?.refund(outage instanceof Unavailable && outage.passwordSent ? RATE_NAMES : [])
    return outage
  } catch (error) {
    return error
  }
}
