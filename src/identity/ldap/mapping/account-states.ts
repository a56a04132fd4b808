import type { AccountState, PasswordNotice } from '../../../domain/account-state.ts'
import type { Barred } from '../../../domain/identity-provider.ts'
import { generalizedTime } from './generalized-time.ts'

type Values = ReadonlyMap<string, readonly string[]>

/** What directories other than Active Directory keep of an account's state; none has all of it. */
export const STATE_ATTRIBUTES: readonly string[] = [
  // 389 Directory Server, FreeIPA
  'nsAccountLock',
  'accountUnlockTime',
  'passwordExpirationTime',
  'krbPrincipalExpiration',
  'krbPasswordExpiration',
  // draft-behera-ldap-password-policy §5.3: OpenLDAP and others
  'pwdAccountLockedTime',
  'pwdReset',
  'pwdStartTime',
  'pwdEndTime',
]

/** Both mean "without an end" (draft-behera §5.3.3) or "from the beginning" (389: a password that must be changed). */
const FOR_EVER = '000001010000Z'
const EPOCH = 0

/** Where an account stands, as its entry says. */
export interface Standing {
  /** When the account ends; absent: it does not. */
  readonly endsAt?: number
  /** Why the user may not log in, whatever the password. */
  readonly barred?: Barred
  /** The directory refuses all passwords for a time. By the password it tells itself whether that is over. */
  readonly locked?: Barred
  /** The password has expired. By the password the directory tells itself whether it takes it for some logins more. */
  readonly expired?: Barred
  /** The password expires soon. */
  readonly notice?: PasswordNotice
}

/** How long before its end a password is said to expire, in seconds. Some servers tell it of every password. */
export const SOON_S = 14 * 24 * 3600

/**
 * @param now wall milliseconds.
 * @param lockedMs how long the directory keeps an account locked; 0 or absent: it does not say.
 */
export function standingOf(entry: Values, now: number, lockedMs = 0): Standing {
  const value = (attribute: string) => entry.get(attribute)?.[0]
  const time = (attribute: string) => generalizedTime(value(attribute) ?? '')
  const isTrue = (attribute: string) => value(attribute)?.toUpperCase() === 'TRUE'
  const isOver = (attribute: string) => (time(attribute) ?? Number.POSITIVE_INFINITY) <= now

  const expiration = time('passwordexpirationtime')
  const barred =
    isTrue('nsaccountlock') || value('pwdaccountlockedtime') === FOR_EVER
      ? state('disabled')
      : (time('pwdstarttime') ?? 0) > now || isOver('pwdendtime') || isOver('krbprincipalexpiration')
        ? state('expired')
        : isTrue('pwdreset') || expiration === EPOCH
          ? state('password_to_change')
          : isOver('krbpasswordexpiration')
            ? state('password_expired')
            : undefined

  const lockedAt = time('pwdaccountlockedtime')
  const unlockAt = time('accountunlocktime')
  const isLocked =
    (lockedAt !== undefined && !(lockedMs > 0 && lockedAt + lockedMs <= now)) ||
    (unlockAt !== undefined && (unlockAt === EPOCH || unlockAt > now))
  const ends = [time('pwdendtime'), time('krbprincipalexpiration')].filter((at) => at !== undefined)
  return {
    endsAt: ends.length === 0 ? undefined : Math.min(...ends),
    barred,
    locked: isLocked ? lockedInDirectory : undefined,
    expired: isOver('passwordexpirationtime') ? state('password_expired') : undefined,
    notice:
      expiration !== undefined && expiration > now && expiration - now < SOON_S * 1000
        ? { kind: 'expiring', seconds: Math.floor((expiration - now) / 1000) }
        : undefined,
  }
}

const WORDS: Readonly<Record<Exclude<AccountState, 'outside_hours' | 'other_computer'>, string>> = {
  disabled: 'the account is disabled',
  expired: 'the account has expired',
  password_expired: 'the password has expired',
  password_to_change: 'the password must be changed first',
}

/** A state that the user may be told after the right password. */
export function state(tell: keyof typeof WORDS): Barred {
  return { kind: 'barred', detail: WORDS[tell], tell }
}

/** Directories say so for any password, so the user is not told. */
export const lockedInDirectory: Barred = { kind: 'barred', detail: 'the account is locked in the directory' }
