import { verifySync } from 'otplib'
import { NODE_DIGESTS } from './code-digests.ts'
import type { TotpShape } from './enrolment.ts'
import type { Secret } from './secret.ts'
import { type CodeAnswer, SEED_RULES } from './totp.ts'

/** How many codes of a token may go unused (a button pressed in a pocket) before its next one is not known any more. */
const LOOK_AHEAD = 10

/**
 * Compares a code with that of the counter after the last used one and the ten behind it (RFC 4226 §7.4). The one
 * that was accepted last is told apart from a wrong one.
 * @param seed raw octets; @param lastCounter the last counter that was accepted, -1 before the first.
 */
export function matchHotp(
  seed: Secret,
  { digits, algorithm }: Pick<TotpShape, 'digits' | 'algorithm'>,
  code: string,
  lastCounter: number,
): CodeAnswer {
  if (code.length !== digits || !/^[0-9]+$/.test(code)) return { kind: 'wrong' }
  const next = lastCounter + 1
  const result = verifySync({
    strategy: 'hotp',
    secret: seed.bytes(),
    token: code,
    digits: digits as 6 | 7 | 8,
    algorithm,
    counter: next,
    counterTolerance: [1, LOOK_AHEAD],
    guardrails: SEED_RULES,
    crypto: NODE_DIGESTS,
  })
  if (!result.valid) return { kind: 'wrong' }
  return result.delta < 0 ? { kind: 'used' } : { kind: 'right', step: next + result.delta }
}
