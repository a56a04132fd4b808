import { type EnrolmentStore, placeOfEnrolment } from '../domain/enrolment.ts'
import type { UserStore } from '../domain/user.ts'
import { allOf, namedShortly } from './all-of.ts'
import { type Check, ok, warning } from './finding.ts'

const MAX_NAMED = 3

/** Which local users cannot log in because they need a code and have no authenticator. */
export function checkUnenrolled(
  users: Pick<UserStore, 'list'>,
  enrolments: Pick<EnrolmentStore, 'list'>,
): Check {
  return async () => {
    const without: string[] = []
    const enrolled = new Set<string>()
    for await (const { subject } of allOf(enrolments, placeOfEnrolment)) enrolled.add(subject)
    for await (const { name, enabled } of allOf(users, ({ name }) => name))
      if (enabled && !enrolled.has(name)) without.push(name)
    if (without.length === 0) return [ok('local users', 'all have an authenticator')]
    const named = namedShortly(without, MAX_NAMED)
    return [
      warning(
        'local users',
        `${without.length} have no authenticator yet (${named})`,
        'ocbroker totp enrol NAME, ocbroker invite NAME, or the portal; until then they are refused',
      ),
    ]
  }
}
