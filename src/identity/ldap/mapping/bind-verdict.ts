import type { PasswordNotice } from '../../../domain/account-state.ts'
import type { Barred } from '../../../domain/identity-provider.ts'
import type { Result } from '../wire/response-reader.ts'
import { Code, resultWords } from '../wire/result-codes.ts'
import { adState } from './active-directory.ts'
import { policyAnswer } from './password-policy.ts'

/** What a user's bind tells of the user; `unavailable` where it tells of the server instead. */
export type BindVerdict =
  | { readonly kind: 'right'; readonly detail: string; readonly notice?: PasswordNotice }
  | { readonly kind: 'wrong' | 'unknown' | 'unavailable'; readonly detail: string }
  | Barred

export function bindVerdict(result: Result): BindVerdict {
  const detail = resultWords(result)
  const { barred, notice } = policyAnswer(result)
  if (barred !== undefined) return barred
  switch (result.code) {
    case Code.success:
      return { kind: 'right', detail, notice }
    case Code.invalidCredentials:
      return adState(result.diagnostic) ?? { kind: 'wrong', detail }
    // An entry that has no password (RFC 4511 appendix A.2).
    case Code.inappropriateAuthentication:
      return { kind: 'wrong', detail }
    case Code.noSuchObject:
    case Code.invalidDnSyntax:
      return { kind: 'unknown', detail }
    // How directories other than Active Directory say that an account is inactive or locked.
    case Code.constraintViolation:
    case Code.unwillingToPerform:
    case Code.insufficientAccessRights:
      return { kind: 'barred', detail }
    default:
      return { kind: 'unavailable', detail }
  }
}
