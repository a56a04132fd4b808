import { seedAsBase32 } from '../../domain/totp.ts'
import { type ExportedToken, NotExportable } from './exported-token.ts'

/** What the PAM module computes: it has no other digits and no other digest. */
const DIGITS = 6
const ALGORITHM = 'sha1'

/**
 * A user's `.google_authenticator`, as google-authenticator(1) writes it. Scratch codes are none in it: the broker keeps
 * digests of them alone.
 * @throws NotExportable
 */
export function authenticatorFile({
  kind,
  seed,
  digits,
  period,
  algorithm,
  counter,
  driftMs,
}: ExportedToken): string {
  if (digits !== DIGITS || algorithm !== ALGORITHM)
    throw new NotExportable('pam_google_authenticator has codes of 6 digits by SHA-1 alone')
  const skew = Math.trunc(driftMs / 1000 / period)
  const options =
    kind === 'hotp'
      ? [`HOTP_COUNTER ${counter}`]
      : [`STEP_SIZE ${period}`, ...(skew === 0 ? [] : [`TIME_SKEW ${skew}`]), 'DISALLOW_REUSE', 'TOTP_AUTH']
  return [seedAsBase32(seed), ...options.map((option) => `" ${option}`), ''].join('\n')
}
