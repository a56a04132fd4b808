import type { Secret } from './secret.ts'

/** A password that a store is about to send to its directory. */
export interface GuardedPassword {
  readonly password: Secret
  /** Differs when the user's password was changed; absent where the directory does not show it. */
  readonly stamp?: string
  /** How the directory locks accounts; absent if it never does. */
  readonly lock?: DirectoryLockPolicy
  /** Monotonic milliseconds. */
  readonly deadline: number
}

export interface DirectoryLockPolicy {
  /** Wrong passwords at which the directory locks the account. */
  readonly threshold: number
  /** How long the directory counts a wrong password, in milliseconds. */
  readonly windowMs: number
  /** Wrong passwords that the directory itself has counted, and when it was asked, in monotonic milliseconds. */
  readonly counted?: DirectoryCount
  /** Asks for that count again. @throws what asking the directory throws */
  readonly recount?: () => Promise<DirectoryCount | undefined>
}

interface DirectoryCount {
  readonly wrong: number
  readonly at: number
}

/** The outcome of sending the password. `lost`: no answer came, so the directory may have counted it. */
export interface Sent<T> {
  readonly kind: 'right' | 'wrong' | 'lost' | 'other'
  readonly value: T
}

/** The password was sent nowhere, so that nothing was guessed. */
export interface Withheld {
  readonly kind: 'withheld'
  readonly reason: 'locked' | 'bad_credentials' | 'barred'
  readonly detail: string
  /** As `Refusal.retryAfterMs`. */
  readonly retryAfterMs?: number
  /** Whether the user may be told that the account is locked: to others that would tell that it exists. */
  readonly isTold?: true
}

/** Stands between a login and a directory that locks accounts. */
export interface PasswordGuard {
  /** @param send sends the password; called if the directory cannot lock the account over it. @throws Unavailable */
  ask<T>(guess: GuardedPassword, send: () => Promise<Sent<T>>): Promise<T | Withheld>
}
