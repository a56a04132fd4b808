import type { AccountState } from '../../../domain/account-state.ts'
import type { Barred } from '../../../domain/identity-provider.ts'
import { type Standing, standingOf } from './account-states.ts'
import { generalizedTime } from './generalized-time.ts'

/** What a directory keeps of an account's passwords and state. Times are wall milliseconds. */
export interface AccountFacts extends Standing {
  /** Wrong passwords since the last right one, as this server has counted them. */
  readonly wrongPasswords?: number
  readonly lastWrongAt?: number
  /** When the account was locked; absent where it is not. */
  readonly lockedAt?: number
  /** Differs when the password was changed. */
  readonly passwordStamp?: string
}

type Values = ReadonlyMap<string, readonly string[]>

export const AD_ATTRIBUTES: readonly string[] = [
  'userAccountControl',
  'msDS-User-Account-Control-Computed',
  'accountExpires',
  'badPwdCount',
  'badPasswordTime',
  'lockoutTime',
  'pwdLastSet',
  'objectSid',
  'primaryGroupID',
]

/**
 * What a directory with the password policy of draft-behera-ldap-password-policy §5.3 shows. The time of the entry's last
 * change says nothing of the password: a wrong one changes the entry, too.
 */
export const POLICY_ATTRIBUTES: readonly string[] = [
  'pwdChangedTime',
  'pwdFailureTime',
  'pwdAccountLockedTime',
]

// MS-ADTS §2.2.16 and the computed bits of §3.1.1.4.5.17
const DISABLED = 0x2
const LOCKED = 0x10
const PASSWORD_EXPIRED = 0x80_0000

/** From 1601 to 1970 in steps of 100 ns, as FILETIME counts. */
const EPOCH = 116_444_736_000_000_000n
const NEVER = 0x7fff_ffff_ffff_ffffn

/**
 * The filter by which a user is found where the configuration has none: by account name, or by the whole principal name.
 * @param upnSuffixes with which a name that was typed without one is tried as a principal name too.
 */
export function adUserFilter(upnSuffixes: readonly string[]): string {
  const names = [
    'sAMAccountName={user}',
    ...upnSuffixes.map((suffix) => `userPrincipalName={user}@${suffix}`),
    'userPrincipalName={user}',
  ]
  return `(&(objectCategory=person)(objectClass=user)(|${names.map((name) => `(${name})`).join('')}))`
}

/** The security identifier of the user's primary group, which no `memberOf` and no `member` names (MS-ADTS §3.1.1.4.5.13). */
export function primaryGroupOf(entry: Values): string | undefined {
  const domain = /^(S-1(?:-\d+)+)-\d+$/.exec(entry.get('objectsid')?.[0] ?? '')?.[1]
  const group = numberOf(entry, 'primarygroupid')
  return domain === undefined || group === undefined ? undefined : `${domain}-${group}`
}

/** @param now wall milliseconds. */
export function adFacts(entry: Values, now: number): AccountFacts {
  return {
    wrongPasswords: numberOf(entry, 'badpwdcount'),
    lastWrongAt: timeOf(entry, 'badpasswordtime'),
    lockedAt: timeOf(entry, 'lockouttime'),
    passwordStamp: entry.get('pwdlastset')?.[0],
    endsAt: timeOf(entry, 'accountexpires'),
    barred: stateOf(entry, now),
  }
}

/**
 * @param since wall milliseconds: failures before are not counted by the directory any more.
 * @param lockedMs as for `standingOf`.
 */
export function policyFacts(entry: Values, now: number, since: number, lockedMs?: number): AccountFacts {
  const failures = entry.get('pwdfailuretime')?.map(generalizedTime)
  const wrongAt = failures?.filter((at) => at !== undefined && at >= since)
  return {
    wrongPasswords: wrongAt?.length,
    lockedAt: generalizedTime(entry.get('pwdaccountlockedtime')?.[0] ?? ''),
    passwordStamp: entry.get('pwdchangedtime')?.[0],
    ...standingOf(entry, now, lockedMs),
  }
}

function stateOf(entry: Values, now: number): Barred | undefined {
  const control = numberOf(entry, 'useraccountcontrol') ?? 0
  const computed = numberOf(entry, 'msds-user-account-control-computed') ?? 0
  const expires = timeOf(entry, 'accountexpires')
  if ((control & DISABLED) !== 0) return barred('the account is disabled', 'disabled')
  if (expires !== undefined && expires <= now) return barred('the account has expired', 'expired')
  if ((computed & LOCKED) !== 0) return barred('the account is locked in the directory')
  if ((computed & PASSWORD_EXPIRED) !== 0) return barred('the password has expired', 'password_expired')
  return undefined
}

function barred(detail: string, tell?: AccountState): Barred {
  return { kind: 'barred', detail, tell }
}

function numberOf(entry: Values, attribute: string): number | undefined {
  const value = entry.get(attribute)?.[0]
  return value !== undefined && /^-?\d{1,10}$/.test(value) ? Number(value) : undefined
}

/** @returns undefined if there is none, or it is zero or never. */
function timeOf(entry: Values, attribute: string): number | undefined {
  const value = entry.get(attribute)?.[0]
  if (value === undefined || !/^\d{1,19}$/.test(value)) return undefined
  const ticks = BigInt(value)
  return ticks === 0n || ticks >= NEVER ? undefined : Number((ticks - EPOCH) / 10_000n)
}

/**
 * What `data 52e` in the words of a refused bind means (MS-ERREF §2.2, Win32 error codes in hexadecimal). A locked
 * account is reported for any password, so the user is never told of it; the other states come only with the right one.
 */
const STATES: ReadonlyMap<string, AdState> = new Map<string, AdState>([
  ['525', { kind: 'unknown', detail: 'no such user' }],
  ['52e', { kind: 'wrong', detail: 'wrong password' }],
  ['530', barred('logins are not permitted at this time', 'outside_hours')],
  ['531', barred('logins are not permitted from this computer', 'other_computer')],
  ['532', barred('the password has expired', 'password_expired')],
  ['533', barred('the account is disabled', 'disabled')],
  ['701', barred('the account has expired', 'expired')],
  ['773', barred('the password must be changed first', 'password_to_change')],
  ['775', barred('the account is locked in the directory')],
])

type AdState = { readonly kind: 'wrong' | 'unknown'; readonly detail: string } | Barred

/** @returns undefined where the words hold no state that is known. */
export function adState(diagnostic: string): AdState | undefined {
  const code = /\bdata ([0-9a-f]{1,8})\b/i.exec(diagnostic)?.[1]?.toLowerCase()
  const state = code === undefined ? undefined : STATES.get(code)
  return state && { ...state, detail: `${state.detail} (${code})` }
}
