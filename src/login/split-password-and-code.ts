import { type Enrolment, isScratchCode, splitRecoveryCode } from '../domain/enrolment.ts'
import { Secret } from '../domain/secret.ts'

/**
 * Where the code is typed: into a challenge, behind the password without a separator, either of the two, or alone
 * instead of a password. `approve`: into a challenge, by users who have no passkey to approve the login with.
 */
export type SecondFactorMode = 'challenge' | 'append' | 'either' | 'only' | 'approve'

/** Characters of `5440-4531`: without the hyphen it cannot be told from digits of the password and a code. */
const HYPHENATED = 9

/** What was typed into a prompt, split. */
export interface Typed {
  readonly password: Secret
  readonly code?: Secret
}

/**
 * Splits what was typed by the digits that the user enrolled. In `either` mode digits at the end count as a code only where
 * they are the present code, so that a password that ends in digits still brings a challenge. Where authenticators show
 * different numbers of digits, the present code tells where to split.
 * @param isCodeNow whether this is a code of one of the authenticators at this moment, used or not.
 */
export function splitTyped(
  typed: Secret,
  mode: SecondFactorMode,
  enrolments: readonly Enrolment[],
  isCodeNow: (code: string) => boolean,
): Typed {
  if (enrolments.length === 0 || (mode !== 'append' && mode !== 'either')) return { password: typed }
  const text = typed.reveal()
  const recovery = splitRecoveryCode(text)
  if (recovery !== undefined) return { password: new Secret(recovery.rest), code: new Secret(recovery.code) }
  // Where a password alone is allowed too, it may end like this.
  const scratch = text.slice(-HYPHENATED)
  if (mode === 'append' && scratch.includes('-') && enrolments.some((each) => isScratchCode(scratch, each)))
    return { password: new Secret(text.slice(0, -HYPHENATED)), code: new Secret(scratch) }
  const lengths = [...new Set(enrolments.map(({ digits }) => digits))]
  const codes = lengths
    .map((digits) => text.slice(-digits))
    .filter((code, index) => isNumber(code, lengths[index]))
  const isSure = mode === 'append' && codes.length === 1
  const code = (isSure ? undefined : codes.findLast(isCodeNow)) ?? (mode === 'append' ? codes[0] : undefined)
  if (code === undefined) return { password: typed }
  return { password: new Secret(text.slice(0, -code.length)), code: new Secret(code) }
}

function isNumber(text: string, digits: number | undefined): boolean {
  return text.length === digits && /^[0-9]+$/.test(text)
}
