import type { RegisteredEnrolment } from '../../domain/enrolment.ts'
import type { PageText } from '../layout/pages.ts'

/** What to do about a phone whose clock is `seconds` ahead of the broker's; negative: behind. */
export function clockAdvice(seconds: number): PageText {
  return (t) =>
    t(seconds > 0 ? 'portal.clock.fast' : 'portal.clock.slow', { seconds: Math.abs(Math.round(seconds)) })
}

/** The advice for an authenticator in use; undefined within one period, where its user may only have typed slowly. */
export function clockAdviceFor({ driftMs, period }: RegisteredEnrolment): PageText | undefined {
  const seconds = driftMs / 1000
  return Math.abs(seconds) > period ? clockAdvice(seconds) : undefined
}
