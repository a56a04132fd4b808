import type { Clock } from '../../domain/clock.ts'
import { notApplicable, ok, warning } from '../finding.ts'
import { type GatewayCheck, NO_EXPECTATION } from './gateway-check.ts'

const WITHIN_MS = 2000
const MAX_OFF_MS = 5000

/** Whether this clock is the broker's. ocserv's own times and logs are compared with the broker's by people. */
export function checkBrokerClock(clock: Pick<Clock, 'now'>): GatewayCheck {
  return async ({ expectation }) => {
    const about = 'clock'
    if (expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
    const { healthUrl } = expectation.broker
    if (healthUrl === undefined)
      return [notApplicable(about, 'the broker’s HTTP is for its own machine alone')]
    const before = clock.now()
    const answer = await fetch(healthUrl, {
      signal: AbortSignal.timeout(WITHIN_MS),
      redirect: 'manual',
    }).catch(() => undefined)
    const date = Date.parse(answer?.headers.get('date') ?? '')
    await answer?.body?.cancel()
    if (Number.isNaN(date)) return [notApplicable(about, `${healthUrl} does not say the time`)]
    // The header has whole seconds; the answer was written between the two moments.
    const off = Math.max(0, before - (date + 999), date - clock.now())
    if (off <= MAX_OFF_MS) return [ok(about, 'agrees with the broker’s')]
    return [
      warning(about, `is ${Math.round(off / 1000)} s off the broker’s`, 'on both: timedatectl set-ntp true'),
    ]
  }
}
