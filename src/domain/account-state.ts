/** Why a user with the right password may not log in. A directory says so only after the right password. */
export type AccountState =
  | 'disabled'
  | 'expired'
  | 'password_expired'
  | 'password_to_change'
  | 'outside_hours'
  | 'other_computer'

/** What a directory says of a password that it still takes. */
export type PasswordNotice =
  /** It has expired, and the directory takes it so many times more. */
  (
    | { readonly kind: 'grace_logins'; readonly left: number }
    | { readonly kind: 'expiring'; readonly seconds: number }
  ) & {
    /** Whether the user may read it. */
    readonly isTold?: true
  }

/** For the audit trail, where the details of a login go before it. */
export function noticeWords(notice: PasswordNotice | undefined): string {
  if (notice === undefined) return ''
  return notice.kind === 'grace_logins'
    ? `; the password has expired; grace logins left: ${notice.left}`
    : `; the password expires in ${Math.ceil(notice.seconds / HOUR_S)} h`
}

const HOUR_S = 3600

/**
 * When the password expires, by the words that `noticeWords` put behind a login's details; wall milliseconds, to the
 * hour. @param at of the login.
 */
export function passwordEndIn(detail: string, at: number): number | undefined {
  const [, hours] = /; the password expires in (\d{1,6}) h/.exec(detail) ?? []
  return hours === undefined ? undefined : at + (Number(hours) - 0.5) * HOUR_S * 1000
}
