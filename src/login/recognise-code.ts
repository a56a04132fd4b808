import type { OutsideCode } from '../domain/challenge.ts'
import type { Enrolment } from '../domain/enrolment.ts'
import { matchHotp } from '../domain/hotp.ts'
import type { CodeAnswer } from '../domain/one-time-code.ts'
import { matchTotp } from '../domain/totp.ts'
import type { LoginOptions } from './login.ts'

/** A `CodeAnswer` that names the authenticator, by identifier. */
export type RecognisedCode =
  | (Extract<CodeAnswer, { kind: 'right' }> & { readonly enrolment: string })
  | { readonly kind: 'used' }
  | { readonly kind: 'wrong'; readonly outside?: OutsideCode }

type Options = Pick<LoginOptions, 'keys' | 'clock' | 'totpWindow'>

/**
 * Whether this is a code of one of the user's authenticators now. All of them are checked, whichever it is, so that the
 * time tells nothing. @param outside as `AwaitedCode.outside`.
 * @throws CannotOpen where the key that sealed a seed is gone.
 */
export function recogniseCode(
  enrolments: readonly Enrolment[],
  code: string,
  options: Options,
  outside?: OutsideCode,
): RecognisedCode {
  let recognised: RecognisedCode = { kind: 'wrong' }
  for (const enrolment of enrolments) {
    const { id } = enrolment
    const answer = match(enrolment, code, options, outside?.enrolment === id ? outside.step : undefined)
    if (recognised.kind === 'right') continue
    if (answer.kind === 'right') recognised = { ...answer, enrolment: id }
    else if (answer.kind === 'used') recognised = answer
    else if (recognised.kind === 'wrong' && answer.outside !== undefined)
      recognised = { kind: 'wrong', outside: { enrolment: id, step: answer.outside } }
  }
  return recognised
}

function match(
  enrolment: Enrolment,
  code: string,
  { keys, clock, totpWindow }: Options,
  outside: number | undefined,
): CodeAnswer {
  const seed = keys.open(enrolment.sealedSeed, enrolment.subject)
  if (enrolment.kind === 'hotp') return matchHotp(seed, enrolment, code, enrolment.lastStep)
  return matchTotp(seed, enrolment, code, clock.now(), totpWindow, outside)
}
