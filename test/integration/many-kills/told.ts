/** What users, gateways and operators were told, and what the records must therefore hold. */
export class Told {
  /** Who was let in, by what they typed. */
  readonly accepted = new Map<string, string>()
  /** Authenticators that were confirmed. */
  readonly enrolled = new Map<string, { readonly key: string; readonly recoveryCodes: readonly string[] }>()
  /** Users who were locked, by failures or by hand. */
  readonly locked = new Set<string>()
  /** Identifiers of lockouts that were released. */
  readonly released = new Set<string>()
  /** Accounting by session: what was answered. */
  readonly accounted = new Map<string, Accounted>()
  /** How many guesses at a user were answered as such. */
  readonly failures = new Map<string, number>()
  /** What must never happen, in words. */
  readonly wrongs: string[] = []

  failed(user: string): void {
    this.failures.set(user, (this.failures.get(user) ?? 0) + 1)
  }
}

export interface Accounted {
  readonly user: string
  started: boolean
  stopped: boolean
  seconds: number
}
