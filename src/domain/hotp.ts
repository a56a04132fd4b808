import type { TotpShape } from './enrolment.ts'
import { type CodeAnswer, findCounter } from './one-time-code.ts'
import type { Secret } from './secret.ts'

/** Codes that may be skipped (a button pressed in a pocket) before the next one is rejected. */
const LOOK_AHEAD = 10

/**
 * Compares a code with those of the next counter and the ten after it (RFC 4226 §7.4). A code that was accepted last is
 * `used`, not `wrong`.
 * @param seed raw octets; @param lastCounter of the last accepted code, -1 before the first.
 */
export function matchHotp(
  seed: Secret,
  shape: Pick<TotpShape, 'digits' | 'algorithm'>,
  code: string,
  lastCounter: number,
): CodeAnswer {
  const counter = findCounter(seed, shape, code, lastCounter, lastCounter + 1 + LOOK_AHEAD)
  if (counter === undefined) return { kind: 'wrong' }
  return counter <= lastCounter ? { kind: 'used' } : { kind: 'right', step: counter, driftMs: 0 }
}
