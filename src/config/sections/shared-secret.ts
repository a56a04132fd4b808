import type { Secret } from '../../domain/secret.ts'
import type { Path, Report } from '../fault.ts'

const SHORTEST = 8
const SHORTEST_GOOD = 16
export const NEW_SECRET = 'head -c 24 /dev/urandom | base64 makes a good one'

/** Whether a shared secret of RADIUS is long enough: whoever sees a packet can try secrets out at leisure. */
export function judgeLength(value: Secret, path: Path, report: Report): void {
  const { length } = [...value.reveal()]
  if (length < SHORTEST)
    report.fault(path, `the secret has ${length} characters; ${SHORTEST} is the least`, NEW_SECRET)
  else if (length < SHORTEST_GOOD)
    report.warn(path, `the secret has ${length} characters; ${SHORTEST_GOOD} or more are wise`, NEW_SECRET)
}
