import { MAX_ENROLMENTS, type RegisteredEnrolment } from '../../domain/enrolment.ts'
import { MAX_ENROLMENT_NAME } from '../../domain/enrolment-name.ts'
import { clockAdviceFor } from './phone-clock.ts'

/** What `authenticators.eta` shows. */
export function shownAuthenticators(enrolments: readonly RegisteredEnrolment[]) {
  return {
    list: enrolments.map((enrolment) => ({ ...enrolment, clock: clockAdviceFor(enrolment) })),
    codesLeft: enrolments[0]?.recoveryCodesLeft ?? 0,
    isFull: enrolments.length >= MAX_ENROLMENTS,
    most: MAX_ENROLMENTS,
    longestName: MAX_ENROLMENT_NAME,
  }
}
