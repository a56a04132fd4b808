import type { AccountState } from './account-state.ts'
import type { GuardedPassword, PasswordGuard, Withheld } from './password-guard.ts'
import type { Account } from './person.ts'
import type { Secret } from './secret.ts'
import type { StoreUser, StoreUserSearch } from './store-users.ts'

/** An identity store's answer to a name and a password. Outages are not answers: they are thrown as `Unavailable`. */
export type FirstFactorAnswer =
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'wrong'; readonly detail: string }
  /** The store has no such user; the next one may be asked. */
  | { readonly kind: 'unknown' }
  | Barred
  | StoreChallenge
  /** `FirstFactorContext.identified` said no: the password was not looked at. */
  | { readonly kind: 'stopped' }
  | Withheld

/** The user is known and may not log in now: disabled, expired, must change the password … */
export interface Barred {
  readonly kind: 'barred'
  readonly detail: string
  /** Present if the user may be told; only ever after the right password. */
  readonly tell?: AccountState
}

/** The store asks the user a question before it decides, as an upstream server with its own second factor does. */
export interface StoreChallenge {
  readonly kind: 'challenged'
  /** The store's own question, shortened to what every version of ocserv can show. */
  readonly prompt?: string
  /** To be returned with the user's answer. */
  readonly state: string
}

/** As `FirstFactorAnswer`, where no password was typed. */
export type LookupAnswer = (
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'unknown' }
  | Barred
) & {
  readonly found?: FoundAccount
  /** Of a user who is barred: to any password `authenticate` says that it is wrong. */
  readonly isWrong?: true
}

/** What a store that finds the account before it looks at the password would go by in `authenticate`. */
export interface FoundAccount extends Pick<Account, 'name'> {
  /** Whether the password has expired: by the password the store may take it for some logins more. */
  readonly isExpired?: boolean
  /** Why it would send no password. */
  readonly withheld?: Withheld
  /** What it would ask the guard. */
  readonly guess?: Pick<GuardedPassword, 'stamp' | 'lock'>
}

/** What else is known about a login, for stores that forward it, or that cannot check all passwords at once. */
export interface FirstFactorContext {
  /** Whether the user was let in from there lately: where checks have to wait, these go first. @throws Unavailable */
  readonly isAtKnownAddress?: () => Promise<boolean>
  /** The user's own address. */
  readonly address?: string
  /** The configured name of the gateway that asked. */
  readonly gateway?: string
  /** Present in every login; a store whose directory may lock accounts sends no password without it. */
  readonly guard?: PasswordGuard
  /** The state of the store's challenge, if the password is the user's answer to it. */
  readonly state?: string
  /** Asked by a store that finds the user's account before it looks at the password: whether it may go on. */
  readonly identified?: Identified
}

/** @param account as far as it is known. */
export type Identified = (account: Pick<Account, 'name'>) => Promise<boolean>

/** A login that a store has begun before it gets the password. Disposing of it cancels what was not completed. */
export interface PendingLogin extends Disposable {
  /** As `authenticate`, once. @throws Unavailable */
  complete(password: Secret, context?: FirstFactorContext): Promise<FirstFactorAnswer>
}

/** For operators, in one line. */
export interface Remark {
  readonly problem: string
  readonly remedy: string
}

/** One place that knows users and passwords. */
export interface IdentityProvider {
  readonly name: string
  /** The broker's own records, which every request of a browser session is held against. */
  readonly isOwn?: true
  /** That `lookup` does not find a user tells nothing: a password may. */
  readonly mayMissUsers?: true
  /** Only a password tells whether a user may log in: `lookup` tells less than that. */
  readonly needsPassword?: true
  /** It says that it does not know a name without trying the password, so that another form of the name can be tried. */
  readonly tellsUnknown?: true
  /**
   * @param name as it was typed, with a realm where that is part of the name; @param deadline monotonic milliseconds.
   * @throws Unavailable if the store does not answer in time.
   */
  authenticate(
    name: string,
    password: Secret,
    deadline: number,
    context?: FirstFactorContext,
  ): Promise<FirstFactorAnswer>
  /**
   * Looks the user up while the limits are still being checked; tries no password.
   * @returns undefined if nothing can be done in advance.
   */
  prefetch?(name: string, deadline: number): PendingLogin | undefined
  /** As `authenticate` without a password, for code-only logins and for `explain`. @throws Unavailable */
  lookup(name: string, deadline: number): Promise<LookupAnswer>
  /**
   * A second lookup between password and code, for stores where it is cheap: refuses a user who was disabled meanwhile.
   * @throws Unavailable
   */
  confirm?(name: string, deadline: number): Promise<LookupAnswer>
  /**
   * Does the local work (hashing) of a check that finds the password wrong, so that a refusal without a check loads the
   * machine like one with a check. The response time of a single refusal is equalised elsewhere.
   * @throws Unavailable as a check does.
   */
  verifyDummy?(password: Secret): Promise<void>
  /** @throws Unavailable with the cause in one line, if the store cannot be asked now. */
  checkReady(deadline: number): Promise<void>
  /** What does not fit although the store can be asked. @throws Unavailable */
  remarks?(deadline: number): Promise<readonly Remark[]>
  /** All users, a page at a time; absent where the store cannot list them. @throws Unavailable */
  users?(search: StoreUserSearch): AsyncIterable<readonly StoreUser[]>
}

/** A store that may know a name, and the form of the name that it is asked for. Each store occurs once. */
export interface Candidate {
  readonly store: IdentityProvider
  /** The name to ask the store for, as it was typed. */
  readonly name: string
  /** `Person.subject` if this store confirms the user under `name`: the canonical name, with `realm` if there is one. */
  readonly subject: string
  /** The realm behind the store's subjects. */
  readonly realm?: string
  /** Whether the next store is asked when this one is unavailable; otherwise the login ends there. */
  readonly mayBeMissing: boolean
}
