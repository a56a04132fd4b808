import type { EnrolmentStore } from '../domain/enrolment.ts'
import { hiddenCharacterFault } from '../domain/hidden-characters.ts'
import type { InvitationStore } from '../domain/invitation.ts'
import type { Locale } from '../domain/locale.ts'
import { canonicalUserName, usernameOf } from '../domain/login-name.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { clientAddressFault, type Network } from '../domain/network.ts'
import type { PasskeyStore } from '../domain/passkey.ts'
import type { StaticAttributes } from '../domain/person.ts'
import type { Secret } from '../domain/secret.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type { LocalUser, UserStore } from '../domain/user.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'
import { isOthersName, type Namesakes, type NamesakesOptions } from './namesakes.ts'

export interface UsersOptions extends RecordAuditOptions {
  readonly users: UserStore
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  readonly hash: (password: Secret) => Promise<string>
  /** @returns what is wrong with a user's new password, and what to do; undefined: nothing. */
  readonly passwordFault: (password: Secret, user: string) => Promise<string | undefined>
  readonly enrolments: Pick<EnrolmentStore, 'revoke'>
  readonly invitations: Pick<InvitationStore, 'revoke'>
  readonly passkeys: Pick<PasskeyStore, 'removeAllOf'>
  readonly namesakesOf: (name: string) => Promise<Namesakes>
  readonly candidates: NamesakesOptions['candidates']
  /** Networks of the pools. */
  readonly pools: readonly Network[]
}

/** Who removed a user, and whether they may also take away the authenticator. */
export interface Remover extends AuditContext {
  readonly mayRevoke: boolean
}

export interface NewUser {
  readonly name: string
  readonly password?: Secret
  readonly groups?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  /** Wall milliseconds. */
  readonly expiresAt?: number
  readonly mail?: string
  readonly language?: Locale
}

/** Undefined leaves a value as it is; null removes it. */
export interface UserChange {
  readonly enabled?: boolean
  readonly password?: Secret
  readonly groups?: readonly string[]
  readonly ipv4?: string | null
  readonly ipv6?: string | null
  readonly expiresAt?: number | null
  readonly mail?: string | null
  readonly language?: Locale | null
}

export type UserAnswer =
  | { readonly kind: 'done'; readonly user: LocalUser }
  | { readonly kind: 'exists' | 'unknown' | 'address_taken' }
  | { readonly kind: 'wrong'; readonly part: string; readonly problem: string }

/** Local users, as administrators change them. */
export class Users {
  readonly #options: UsersOptions

  constructor(options: UsersOptions) {
    this.#options = options
  }

  async add(wanted: NewUser, context: AuditContext): Promise<UserAnswer> {
    const { users, clock } = this.#options
    const hidden = hiddenCharacterFault(wanted.name)
    if (hidden !== undefined) return wrong('name', hidden)
    const name = canonicalUserName(wanted.name)
    if (name === undefined) return wrong('name', 'no login could carry it as the name of a local user')
    const fault = await this.#faultIn(name, wanted)
    if (fault !== undefined) return fault
    if (isOthersName(name, this.#options.candidates))
      return wrong('name', 'its realm belongs to another identity store, which alone is asked for it')
    // Looked up before the costly hash; a user who is added meanwhile is noticed below.
    if ((await users.find(name)) !== undefined) return { kind: 'exists' }
    const { ipv4, ipv6, groups = [], expiresAt, mail, language } = wanted
    const user: LocalUser = {
      name,
      passwordHash: await this.#hashed(wanted.password),
      enabled: true,
      expiresAt,
      groups: [...new Set(groups)],
      attributes: { ipv4, ipv6 },
      createdAt: clock.now(),
      mail,
      language,
    }
    const answer = await users.add(user)
    if (answer !== 'added') return { kind: answer }
    await recordAudit(context, { kind: 'user.added', user: name }, this.#options)
    return this.#found(name)
  }

  async change(typed: string, change: UserChange, context: AuditContext): Promise<UserAnswer> {
    const { users, sessions } = this.#options
    const name = canonicalUserName(typed)
    const user = name === undefined ? undefined : await users.find(name)
    if (name === undefined || user === undefined) return { kind: 'unknown' }
    const fault = await this.#faultIn(name, change)
    if (fault !== undefined) return fault
    const { enabled, groups, expiresAt, ipv4, ipv6, mail, language } = change
    const kept = {
      ...{ enabled, expiresAt, mail, language },
      passwordHash: await this.#hashed(change.password),
      groups: groups === undefined ? undefined : [...new Set(groups)],
      attributes:
        ipv4 === undefined && ipv6 === undefined ? undefined : withAddresses(user.attributes, change),
    }
    const answer = await users.change(name, kept, this.#endsOf(change, context))
    if (answer !== 'changed') return { kind: answer }
    if (enabled === false || change.password !== undefined) await sessions.deleteAllOf(usernameOf(name))
    await recordAudit(
      context,
      { kind: 'user.changed', user: name, detail: describeChange(change) },
      this.#options,
    )
    return this.#found(name)
  }

  /**
   * Removes the user. The authenticator, its recovery codes, passkeys and an invitation go too, unless the remover may not take
   * them away or a user of another identity store may own them.
   * @returns undefined where there is no such user.
   */
  async remove(
    typed: string,
    { mayRevoke, ...context }: Remover,
  ): Promise<{ readonly namesakes: Namesakes } | undefined> {
    const { users, sessions, namesakesOf } = this.#options
    const name = canonicalUserName(typed)
    if (name === undefined || (await users.find(name)) === undefined) return undefined
    const namesakes = await namesakesOf(name)
    if (!(await users.remove(name, this.#cause('removed', context)))) return undefined
    await sessions.deleteAllOf(usernameOf(name))
    await recordAudit(context, { kind: 'user.removed', user: name }, this.#options)
    const { subject, ownsSubject } = namesakes
    if (mayRevoke && ownsSubject && subject !== undefined) await this.#revoke(subject, name, context)
    return { namesakes }
  }

  /** A user who may not log in any more keeps no session. */
  #endsOf({ enabled, expiresAt }: UserChange, context: AuditContext): OrderCause | undefined {
    if (enabled === false) return this.#cause('disabled', context)
    const hasExpired = typeof expiresAt === 'number' && expiresAt <= this.#options.clock.now()
    return hasExpired ? this.#cause('expired', context) : undefined
  }

  #cause(why: OrderCause['reason'], { actor = 'ocbroker', reason }: AuditContext): OrderCause {
    return { reason: why, by: actor, at: this.#options.clock.now(), detail: reason }
  }

  async #revoke(subject: string, name: string, context: AuditContext): Promise<void> {
    const { enrolments, invitations, passkeys } = this.#options
    await invitations.revoke(subject)
    if (await enrolments.revoke(subject))
      await recordAudit(context, { kind: 'enrolment.revoked', user: name }, this.#options)
    for (const passkey of await passkeys.removeAllOf(subject))
      await recordAudit(context, { kind: 'passkey.removed', user: name, detail: passkey.name }, this.#options)
  }

  async #faultIn(
    name: string,
    { password, groups = [], ipv4, ipv6, mail }: UserChange,
  ): Promise<UserAnswer | undefined> {
    for (const group of groups) {
      const hidden = hiddenCharacterFault(group)
      if (hidden !== undefined) return wrong('groups', hidden)
    }
    const problem = password && (await this.#options.passwordFault(password, name))
    if (problem !== undefined) return wrong('password', problem)
    for (const [kind, given] of Object.entries({ ipv4, ipv6 }) as ['ipv4' | 'ipv6', typeof ipv4][]) {
      const unusable =
        typeof given === 'string' ? clientAddressFault(given, kind, this.#options.pools) : undefined
      if (unusable !== undefined) return wrong(kind, unusable)
    }
    if (typeof mail === 'string' && !isMailAddress(mail)) return wrong('mail', NO_ADDRESS)
    return undefined
  }

  async #hashed(password: Secret | undefined): Promise<string | undefined> {
    return password === undefined ? undefined : this.#options.hash(password)
  }

  /** The user as stored, with addresses in canonical form. */
  async #found(name: string): Promise<UserAnswer> {
    const user = await this.#options.users.find(name)
    return user === undefined ? { kind: 'unknown' } : { kind: 'done', user }
  }
}

const NO_ADDRESS = 'it is not a mail address: write ada@example.org, say'

function wrong(part: string, problem: string): UserAnswer {
  return { kind: 'wrong', part, problem }
}

export function withAddresses(
  own: StaticAttributes,
  { ipv4, ipv6 }: Pick<UserChange, 'ipv4' | 'ipv6'>,
): StaticAttributes {
  const changed = { ...own }
  if (ipv4 !== undefined) changed.ipv4 = ipv4 ?? undefined
  if (ipv6 !== undefined) changed.ipv6 = ipv6 ?? undefined
  return changed
}

/** For the audit trail: the changed parts, with the new value of those that are no secret. */
export function describeChange(change: UserChange): string {
  const { enabled, password, groups, ipv4, ipv6, expiresAt, mail, language } = change
  const expires = expiresAt === null ? 'never' : expiresAt && new Date(expiresAt).toISOString()
  const parts = [
    enabled !== undefined && (enabled ? 'enabled' : 'disabled'),
    password !== undefined && 'new password',
    groups !== undefined && `groups ${groups.join(' ') || 'none'}`,
    ipv4 !== undefined && `ipv4 ${ipv4 ?? 'none'}`,
    ipv6 !== undefined && `ipv6 ${ipv6 ?? 'none'}`,
    expires !== undefined && `expires ${expires}`,
    mail !== undefined && `mail ${mail ?? 'none'}`,
    language !== undefined && `language ${language ?? 'none'}`,
  ]
  return parts.filter((part) => part !== false).join(', ')
}
