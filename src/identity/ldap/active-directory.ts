import type { AccountState } from '../../domain/account-state.ts'
import type { Barred } from '../../domain/person.ts'

/** What Active Directory keeps of an account's passwords and state. Times are wall milliseconds. */
export interface AccountFacts {
  /** Wrong passwords since the last right one, as this server has counted them. */
  readonly wrongPasswords?: number
  readonly lastWrongAt?: number
  /** When the account was locked; absent where it is not. */
  readonly lockedAt?: number
  /** Differs when the password was changed. */
  readonly passwordStamp?: string
  /** Why the user may not log in, whatever the password. */
  readonly barred?: Barred
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
]

/** Elsewhere only the time of the last change is known: of the password, or else of the entry. */
export const STAMP_ATTRIBUTES: readonly string[] = ['pwdChangedTime', 'modifyTimestamp']

// MS-ADTS §2.2.16 and the computed bits of §3.1.1.4.5.17
const DISABLED = 0x2
const LOCKED = 0x10
const PASSWORD_EXPIRED = 0x80_0000

/** From 1601 to 1970 in steps of 100 ns, as FILETIME counts. */
const EPOCH = 116_444_736_000_000_000n
const NEVER = 0x7fff_ffff_ffff_ffffn

/** The filter by which a user is found where the configuration has none. `{user}` is the name without its domain. */
export function adUserFilter(upnSuffixes: readonly string[]): string {
  const names = [
    'sAMAccountName={user}',
    ...upnSuffixes.map((suffix) => `userPrincipalName={user}@${suffix}`),
  ]
  const named = names.map((name) => `(${name})`).join('')
  return `(&(objectCategory=person)(objectClass=user)${names.length === 1 ? named : `(|${named})`})`
}

/** @param now wall milliseconds. */
export function adFacts(entry: Values, now: number): AccountFacts {
  const wrongPasswords = numberOf(entry, 'badpwdcount')
  const lastWrongAt = timeOf(entry, 'badpasswordtime')
  const lockedAt = timeOf(entry, 'lockouttime')
  const passwordStamp = entry.get('pwdlastset')?.[0]
  const barred = stateOf(entry, now)
  return {
    ...(wrongPasswords !== undefined && { wrongPasswords }),
    ...(lastWrongAt !== undefined && { lastWrongAt }),
    ...(lockedAt !== undefined && { lockedAt }),
    ...(passwordStamp !== undefined && { passwordStamp }),
    ...(barred !== undefined && { barred }),
  }
}

export function stampFacts(entry: Values): AccountFacts {
  const passwordStamp = entry.get('pwdchangedtime')?.[0] ?? entry.get('modifytimestamp')?.[0]
  return passwordStamp === undefined ? {} : { passwordStamp }
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
  return { kind: 'barred', detail, ...(tell !== undefined && { tell }) }
}

function numberOf(entry: Values, attribute: string): number | undefined {
  const value = entry.get(attribute)?.[0]
  return value !== undefined && /^-?\d{1,10}$/.test(value) ? Number(value) : undefined
}

/** @returns undefined where there is none, it is zero, or it is never. */
function timeOf(entry: Values, attribute: string): number | undefined {
  const value = entry.get(attribute)?.[0]
  if (value === undefined || !/^\d{1,19}$/.test(value)) return undefined
  const ticks = BigInt(value)
  return ticks === 0n || ticks >= NEVER ? undefined : Number((ticks - EPOCH) / 10_000n)
}

/**
 * What `data 52e` in the words of a refused bind means (MS-ERREF §2.2, Win32 error codes in hexadecimal). A locked
 * account is told with any password, so that one is never for the user; the others come with the right one alone.
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
