import type { Secret } from '../domain/secret.ts'
import type { Path, Report } from './config-error.ts'

const MIN_LENGTH = 8
const RECOMMENDED_LENGTH = 16
export const NEW_SECRET = 'head -c 24 /dev/urandom | base64 makes a good one'

/** Checks the length of a RADIUS shared secret: an attacker who has one packet can try secrets offline. */
export function checkSecretLength(secret: Secret, path: Path, report: Report): void {
  const { length } = [...secret.reveal()]
  const problem = `the secret has ${length} characters; `
  if (length < MIN_LENGTH) report.fault(path, `${problem}${MIN_LENGTH} is the minimum`, NEW_SECRET)
  else if (length < RECOMMENDED_LENGTH)
    report.warn(path, `${problem}${RECOMMENDED_LENGTH} or more are recommended`, NEW_SECRET)
}
