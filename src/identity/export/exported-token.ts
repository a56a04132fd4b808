import type { Enrolment, TotpShape } from '../../domain/enrolment.ts'
import type { Secret } from '../../domain/secret.ts'

/** An authenticator as it leaves the broker. */
export interface ExportedToken extends TotpShape {
  /** The subject under which the broker keeps it. */
  readonly name: string
  readonly id: string
  /** The user's word for it. */
  readonly label?: string
  readonly kind: 'totp' | 'hotp'
  readonly seed: Secret
  /** Of `hotp`: the next counter (RFC 4226 §5.1); 0 of `totp`. */
  readonly counter: number
  /** As `Enrolment.driftMs`. */
  readonly driftMs: number
}

/** What a token lacks to be written in a format, in words; thrown by the writer of the format. */
export class NotExportable extends Error {
  override readonly name = 'NotExportable'
}

export function exportedToken(enrolment: Enrolment, seed: Secret): ExportedToken {
  const { subject, id, name: label, kind = 'totp', digits, period, algorithm, lastStep, driftMs } = enrolment
  const counter = kind === 'hotp' ? lastStep + 1 : 0
  return { name: subject, id, label, kind, seed, digits, period, algorithm, counter, driftMs }
}
