/** Where a user stands on the way to a second factor. Times are wall milliseconds. */
export interface EnrolmentStanding {
  /** When the first of the user's authenticators was enrolled; absent: there is none. */
  readonly enrolledAt?: number
  /** When the first of the user's passkeys was added; they open the portal, and logins at a gateway where they are approved. */
  readonly passkeyAt?: number
  /** When the last session began or was granted; absent: none is kept. */
  readonly lastLoginAt?: number
  /** The latest. */
  readonly invitation?: { readonly expiresAt: number; readonly usedAt?: number }
  /** Absent: no login by grace, and nothing that ends it. */
  readonly grace?: { readonly logins: number; readonly isClosed: boolean }
}

/** @param takesPasskeys whether every login takes an approval by passkey. */
export function hasSecondFactor(
  { enrolledAt, passkeyAt }: Pick<EnrolmentStanding, 'enrolledAt' | 'passkeyAt'>,
  takesPasskeys: boolean,
): boolean {
  return enrolledAt !== undefined || (takesPasskeys && passkeyAt !== undefined)
}

/** Every method may throw `Unavailable`. */
export interface RollOutStore {
  /** By subject; one of whom nothing is known is left out. @param subjects at most a few hundred. */
  standingsOf(subjects: readonly string[]): Promise<ReadonlyMap<string, EnrolmentStanding>>
}
