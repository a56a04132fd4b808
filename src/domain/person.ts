import type { AccountState } from './account-state.ts'
import type { Secret } from './secret.ts'

/** Addresses and reply attributes that belong to one user, wherever the record of that user is kept. */
export interface StaticAttributes {
  readonly ipv4?: string
  readonly ipv6?: string
  readonly routes?: readonly string[]
  readonly dns?: readonly string[]
  /** Seconds. */
  readonly sessionTimeout?: number
  /** Further reply attributes by dictionary name. */
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** What an identity store knows of a user for whom it vouches. */
export interface Account {
  /** What the store calls the user, in canonical form, where another of the user's names was typed. */
  readonly name?: string
  readonly groups: readonly string[]
  readonly attributes: StaticAttributes
}

/** A user for whom an identity store has vouched. */
export interface Person extends Omit<Account, 'name'> {
  /** The name under which second factors and records are kept; unique over all identity stores. */
  readonly subject: string
  /** The identity store that vouched. */
  readonly source: string
}

/** An identity store's word on a name and a password. Outages are not in it: those are thrown as `Unavailable`. */
export type FirstFactorAnswer =
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'wrong'; readonly detail: string }
  /** The store has no such user; the next one may be asked. */
  | { readonly kind: 'unknown' }
  /** The user is known and may not log in now (disabled, expired, must change the password …). */
  | Barred
  /** The store asks something of the user before it says more, as an upstream server does that wants a code of its own. */
  | StoreChallenge

export interface Barred {
  readonly kind: 'barred'
  readonly detail: string
  /** Present where the user may be told; only ever after the right password. */
  readonly tell?: AccountState
}

export interface StoreChallenge {
  readonly kind: 'challenged'
  /** Words of the store's own that every version of ocserv can show; absent where it sent none. */
  readonly prompt?: string
  /** To be given back with the user's answer. */
  readonly state: string
}

export type LookupAnswer = Exclude<FirstFactorAnswer, { kind: 'wrong' | 'challenged' }>

/** What else is known of a login, for stores that pass it on. */
export interface FirstFactorContext {
  /** The user's own address. */
  readonly address?: string
  /** The configured name of the gateway that asked. */
  readonly gateway?: string
  /** The state of the store's challenge, where the password is the user's answer to it. */
  readonly state?: string
}

/** A login that a store has begun before its password is known. Disposed of, it is given up where it was not finished. */
export interface BegunLogin extends Disposable {
  /** As `authenticate` does, once. @throws Unavailable */
  finish(password: Secret): Promise<FirstFactorAnswer>
}

/** One place that knows users and passwords. */
export interface IdentityStore {
  readonly name: string
  /**
   * @param name canonical name without realm; @param deadline monotonic milliseconds.
   * @throws Unavailable where the store could not be asked in time.
   */
  authenticate(
    name: string,
    password: Secret,
    deadline: number,
    context?: FirstFactorContext,
  ): Promise<FirstFactorAnswer>
  /**
   * Begins with what needs no password, for a login of which it is not known yet whether it may go on: the user is
   * looked for, and nothing is tried.
   * @returns undefined where there is nothing to begin with.
   */
  begin?(name: string, deadline: number): BegunLogin | undefined
  /** The same without a password, for code-only logins and for `explain`. @throws Unavailable */
  lookup(name: string, deadline: number): Promise<LookupAnswer>
  /**
   * The same once more between the password and the code, where it costs next to nothing: a user who was disabled
   * meanwhile is not let in. @throws Unavailable
   */
  confirm?(name: string, deadline: number): Promise<LookupAnswer>
  /**
   * Does the work of a check that finds the password wrong, where that is much work for this machine: for refusals that
   * came without a check, so that many of them at once are as slow. How long one refusal takes is evened out elsewhere.
   * @throws Unavailable where a check would be.
   */
  pretend?(password: Secret): Promise<void>
  /** Resolves where the store can be asked now; otherwise @throws Unavailable with a cause in one line. */
  checkReady(deadline: number): Promise<void>
}

/** One store that may know a name, and what the user would be called there. */
export interface Candidate {
  readonly store: IdentityStore
  /** The name to ask the store for. */
  readonly name: string
  /** `Person.subject`, if this store vouches and calls the user so: the name, and the store's realm where it has one. */
  readonly subject: string
  /** Whether the next store is asked when this one cannot be; otherwise the login ends there. */
  readonly mayBeMissing: boolean
}

/**
 * `Person.subject` of a user for whom the candidate's store vouched. A user with several names (a second uid, a mail
 * address) has one second factor, whichever of them is typed.
 */
export function subjectOf({ name, subject }: Pick<Candidate, 'name' | 'subject'>, account: Account): string {
  return account.name === undefined ? subject : account.name + subject.slice(name.length)
}

/** Something that a login needs could not be asked: never the user's fault, never counted against them. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  /** What is unavailable: `storage`, `identity corp`, `password checks` … */
  readonly what: string
  /**
   * Whether a password was sent and no answer came. A store that is slow to say no can be guessed at in this way, as
   * what is right is answered in time.
   */
  readonly passwordSent: boolean

  constructor(what: string, cause: string, options: ErrorOptions & { readonly passwordSent?: boolean } = {}) {
    super(`${what}: ${cause}`, options)
    this.what = what
    this.passwordSent = options.passwordSent ?? false
  }
}
