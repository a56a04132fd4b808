import type { Path, Report } from '../schema/config-error.ts'

/**
 * A server that does not say whom it means may take `bob@anything` for `bob`, and that user would then have a second
 * factor for each spelling. So somebody must have said what a realm is there.
 */
export function warnOfAliases(path: Path, report: Report): void {
  if (report.given([...path, 'realms']) || report.given([...path, 'strip_realm'])) return
  report.warn(
    path,
    'is asked for bob@example.org and for bob as for two users, each with a second factor of their own',
    'write strip_realm: true if it takes both for one user, strip_realm: false if they are two, or give it its realms',
  )
}
