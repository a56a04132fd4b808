import { canonicalUserName, usernameOf } from '../domain/login-name.ts'
import {
  newPasswordLinkCode,
  type PasswordLink,
  type PasswordLinkStore,
  passwordLinkHash,
  passwordLinkStateOf,
} from '../domain/password-link.ts'
import type { Secret } from '../domain/secret.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'
import { type CodeMails, DEFAULT_CODE_MS, type Recipient, type ShownCode } from './code-mails.ts'

export interface PasswordLinksOptions extends RecordAuditOptions {
  readonly links: PasswordLinkStore
  /** Absent: no mails are sent. */
  readonly mails?: CodeMails
}

export interface ChoosingPasswordOptions extends PasswordLinksOptions {
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  readonly hash: (password: Secret) => Promise<string>
  /** @returns what is wrong with a user's new password, in words that follow "the password"; undefined: nothing. */
  readonly passwordFault: (password: Secret, user: string) => Promise<string | undefined>
}

/** What somebody who has a link wants, as it was typed. */
export interface ChosenPassword {
  readonly name: string
  readonly code: string
  readonly password: Secret
}

export type ChooseAnswer =
  | 'done'
  /** The link is worth nothing any more; `unknown`: there is none of this name and code. */
  | 'expired'
  | 'used'
  | 'unknown'
  /** The password is refused, and the link is good still. */
  | { readonly fault: string }

/** Makes the links by which local users choose a password, so that nobody else ever knows it. */
export class PasswordLinks {
  readonly #options: PasswordLinksOptions

  constructor(options: PasswordLinksOptions) {
    this.#options = options
  }

  /** By which links can be sent; absent: the configuration sends no mails. */
  get mails(): CodeMails | undefined {
    return this.#options.mails
  }

  /** The latest one of a local user. */
  ofUser(user: string): Promise<PasswordLink | undefined> {
    return this.#options.links.ofUser(user)
  }

  /**
   * Replaces any earlier link of the user.
   * @param user canonical name. @param recipient to whom it is sent as well, together with it or not at all.
   * @returns undefined where there is no such user, or the user may not log in. @throws Unavailable
   */
  async make(
    user: string,
    context: AuditContext & { readonly actor: string },
    ttlMs: number = DEFAULT_CODE_MS,
    recipient?: Recipient,
  ): Promise<ShownCode | undefined> {
    const { links, mails, clock, random } = this.#options
    const code = newPasswordLinkCode(random)
    const createdAt = clock.now()
    const expiresAt = createdAt + ttlMs
    const link = { user, hash: passwordLinkHash(code), createdAt, createdBy: context.actor, expiresAt }
    const mail = recipient && mails?.mailFor({ subject: user, createdAt, expiresAt }, code, recipient)
    if (!(await links.put(link, mail))) return undefined
    const detail = mail === undefined ? undefined : `mail to ${mail.to}`
    await recordAudit(context, { kind: 'password_link.made', user, detail }, this.#options)
    return { code, until: expiresAt }
  }
}

/** Lets the holder of a link choose the password, once. */
export class ChoosingPassword {
  readonly #options: ChoosingPasswordOptions

  constructor(options: ChoosingPasswordOptions) {
    this.#options = options
  }

  /**
   * Every sign-in with the old password ends. It signs nobody in: the second factor is asked for as ever.
   * @throws Unavailable
   */
  async choose({ name, code, password }: ChosenPassword, context: AuditContext): Promise<ChooseAnswer> {
    const { links, sessions, hash, passwordFault } = this.#options
    const digest = passwordLinkHash(code)
    const user = canonicalUserName(name)
    const state = await this.#stateOf(digest, user)
    if (user === undefined || state !== 'valid') return state === 'valid' ? 'unknown' : state
    // Before the link is spent, and before the costly hash.
    const fault = await passwordFault(password, user)
    if (fault !== undefined) return { fault }
    if (!(await links.redeem(digest, await hash(password), this.#options.clock.now()))) {
      const now = await this.#stateOf(digest, user)
      return now === 'valid' ? 'unknown' : now
    }
    await sessions.deleteAllOf(usernameOf(user))
    await recordAudit(context, { kind: 'user.changed', user, detail: 'new password' }, this.#options)
    return 'done'
  }

  async #stateOf(hash: string, user: string | undefined) {
    const link = await this.#options.links.find(hash)
    if (link === undefined || link.user !== user) return 'unknown'
    return passwordLinkStateOf(link, this.#options.clock.now())
  }
}
