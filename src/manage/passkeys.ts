import type { Passkey, PasskeyStore, ShownPasskey } from '../domain/passkey.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'

export interface PasskeysOptions extends RecordAuditOptions {
  readonly passkeys: Pick<PasskeyStore, 'list' | 'rename' | 'remove' | 'removeAllOf'>
}

const MAX_PASSKEY_NAME = 60

/** The passkeys of users: shown, renamed and removed, also where none can be used any more. */
export class Passkeys {
  readonly #options: PasskeysOptions

  constructor(options: PasskeysOptions) {
    this.#options = options
  }

  /** Without keys: as people may see them. The oldest first. @throws Unavailable */
  async of(subject: string): Promise<readonly ShownPasskey[]> {
    const all = await this.#options.passkeys.list(subject)
    return all.map(({ id, name, createdAt, usedAt }) => ({ id, subject, name, createdAt, usedAt }))
  }

  /** @returns false where the subject has none of this identifier. @throws Unavailable */
  async rename(id: string, subject: string, name: string, context: AuditContext): Promise<boolean> {
    const to = passkeyName(name)
    if (to === '') return false
    const before = await this.#options.passkeys.rename(id, subject, to)
    if (before === undefined) return false
    const detail = `${before.name} is now ${to}`
    await recordAudit(context, { kind: 'passkey.renamed', user: subject, detail }, this.#options)
    return true
  }

  /** @returns false where the subject has none of this identifier. @throws Unavailable */
  async remove(id: string, subject: string, context: AuditContext): Promise<boolean> {
    const removed = await this.#options.passkeys.remove(id, subject)
    if (removed !== undefined) await this.#recordRemoval(removed, context)
    return removed !== undefined
  }

  /** @returns how many there were. @throws Unavailable */
  async removeAllOf(subject: string, context: AuditContext): Promise<number> {
    const removed = await this.#options.passkeys.removeAllOf(subject)
    for (const passkey of removed) await this.#recordRemoval(passkey, context)
    return removed.length
  }

  #recordRemoval({ subject, name }: Passkey, context: AuditContext): Promise<void> {
    return recordAudit(context, { kind: 'passkey.removed', user: subject, detail: name }, this.#options)
  }
}

/** In one line, as it is shown and stands in the audit trail. */
export function passkeyName(name: string): string {
  return name.replaceAll(/\p{C}/gu, '').trim().slice(0, MAX_PASSKEY_NAME)
}
