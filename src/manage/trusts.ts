import type { ShownTrust, TrustStore } from '../domain/trust.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface TrustsOptions extends RecordAuditOptions {
  readonly trusts: TrustStore
}

const MAX_OWN = 100

/** The networks from which users are let in by password alone for some time: seen and revoked. */
export class Trusts {
  readonly #options: TrustsOptions

  constructor(options: TrustsOptions) {
    this.#options = options
  }

  /** Those of one subject alone, and of none that shares its username. */
  async ofSubject(subject: string): Promise<readonly ShownTrust[]> {
    const { trusts, clock } = this.#options
    const found = await trusts.list({ user: subject, now: clock.now(), limit: MAX_OWN })
    return found.filter((trust) => trust.subject === subject)
  }

  /** @param subject whose it must be; absent: anybody's. @returns undefined where there is no such trust. */
  async revoke(id: string, context: AuditContext, subject?: string): Promise<ShownTrust | undefined> {
    if (subject !== undefined && !(await this.ofSubject(subject)).some((trust) => trust.id === id))
      return undefined
    const revoked = await this.#options.trusts.revoke(id)
    if (revoked !== undefined) await this.#record(revoked.subject, revoked.network, context)
    return revoked
  }

  /** @param user a username, or a subject with its realm. @returns how many there were. */
  async revokeAllOf(user: string, context: AuditContext): Promise<number> {
    const count = await this.#options.trusts.revokeAllOf(user)
    if (count > 0) await this.#record(user, undefined, context)
    return count
  }

  #record(user: string, network: string | undefined, context: AuditContext): Promise<void> {
    return recordAudit(context, { kind: 'trust.revoked', user, detail: network }, this.#options)
  }
}
