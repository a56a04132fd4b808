/** What users, gateways and operators got as an answer; the records must hold it. */
export class Acknowledged {
  /** Users who were let in, by what they typed. */
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
  /** The user of each address, from the Accept to the moment before its Stop is sent. */
  readonly holders = new Map<string, string>()
  /** How often each address was given. */
  readonly leases = new Map<string, number>()
  /** What must never happen, in words. */
  readonly wrongs: string[] = []

  leased(user: string, ipv4: string): void {
    const holder = this.holders.get(ipv4)
    if (holder !== undefined) this.wrongs.push(`${user} was given ${ipv4}, which is ${holder}’s`)
    this.holders.set(ipv4, user)
    this.leases.set(ipv4, (this.leases.get(ipv4) ?? 0) + 1)
  }

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
