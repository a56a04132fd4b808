import type { Enrolment } from '../domain/enrolment.ts'
import { matchHotp } from '../domain/hotp.ts'
import type { CodeAnswer } from '../domain/one-time-code.ts'
import { matchTotp } from '../domain/totp.ts'
import type { LoginOptions } from './login.ts'

/**
 * Whether this is a code of the enrolment now. @param outside as `AwaitedCode.outside`.
 * @throws CannotOpen where the key that sealed the seed is gone.
 */
export function recogniseCode(
  enrolment: Enrolment,
  code: string,
  { keys, clock, totpWindow }: Pick<LoginOptions, 'keys' | 'clock' | 'totpWindow'>,
  outside?: number,
): CodeAnswer {
  const seed = keys.open(enrolment.sealedSeed, enrolment.subject)
  if (enrolment.kind === 'hotp') return matchHotp(seed, enrolment, code, enrolment.lastStep)
  return matchTotp(seed, enrolment, code, clock.now(), totpWindow, outside)
}
