import type { Barred } from '../../domain/person.ts'
import { adState } from './active-directory.ts'
import type { Result } from './connection.ts'
import { Code, resultWords } from './result-codes.ts'

/** What a user's bind tells of the user; `unavailable` where it tells of the server instead. */
export type BindVerdict =
  | { readonly kind: 'right' | 'wrong' | 'unknown' | 'unavailable'; readonly detail: string }
  | Barred

export function bindVerdict(result: Result): BindVerdict {
  const detail = resultWords(result)
  switch (result.code) {
    case Code.success:
      return { kind: 'right', detail }
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
