import { type Enrolment, isScratchCode, splitRecoveryCode } from '../domain/enrolment.ts'
import { Secret } from '../domain/secret.ts'

/**
 * Where the code is typed: into a challenge, behind the password without a separator, either of the two, or alone
 * instead of a password.
 */
export type SecondFactorMode = 'challenge' | 'append' | 'either' | 'only'

/** Characters of `5440-4531`: without the hyphen it cannot be told from digits of the password and a code. */
const HYPHENATED = 9

/** What was typed into a prompt, split. */
export interface Typed {
  readonly password: Secret
  readonly code?: Secret
}

/**
 * Splits what was typed by the digits that the user enrolled. In `either` mode digits at the end count as a code only where
 * they are the present code, so that a password that ends in digits still brings a challenge.
 * @param isCodeNow whether this is a code of the enrolment at this moment, used or not.
 */
export function splitTyped(
  typed: Secret,
  mode: SecondFactorMode,
  enrolment: Enrolment | undefined,
  isCodeNow: (enrolment: Enrolment, code: string) => boolean,
): Typed {
  if (enrolment === undefined || mode === 'challenge' || mode === 'only') return { password: typed }
  const text = typed.reveal()
  const recovery = splitRecoveryCode(text)
  if (recovery !== undefined) return { password: new Secret(recovery.rest), code: new Secret(recovery.code) }
  // Where a password alone is allowed too, it may end like this.
  const scratch = text.slice(-HYPHENATED)
  if (mode === 'append' && scratch.includes('-') && isScratchCode(scratch, enrolment))
    return { password: new Secret(text.slice(0, -HYPHENATED)), code: new Secret(scratch) }
  const code = text.slice(-enrolment.digits)
  if (code.length < enrolment.digits || !/^[0-9]+$/.test(code)) return { password: typed }
  if (mode === 'either' && !isCodeNow(enrolment, code)) return { password: typed }
  return { password: new Secret(text.slice(0, -enrolment.digits)), code: new Secret(code) }
}
