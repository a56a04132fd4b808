import type { Clock } from '../domain/clock.ts'
import { canonicalUserName } from '../domain/login-name.ts'
import { parseAddress } from '../domain/network.ts'
import type { StaticAttributes } from '../domain/person.ts'
import type { Secret } from '../domain/secret.ts'
import type { LocalUser, UserStore } from '../domain/user.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { type Deed, type WitnessOptions, witness } from './deed.ts'

export interface UsersOptions extends WitnessOptions {
  readonly users: UserStore
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  readonly hash: (password: Secret) => Promise<string>
  readonly clock: Clock
}

export interface WantedUser {
  readonly name: string
  readonly password?: Secret
  readonly groups?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  /** Wall milliseconds. */
  readonly expiresAt?: number
}

/** What is undefined stays as it is; null takes a value away. */
export interface WantedChange {
  readonly enabled?: boolean
  readonly password?: Secret
  readonly groups?: readonly string[]
  readonly ipv4?: string | null
  readonly ipv6?: string | null
  readonly expiresAt?: number | null
}

export type UserAnswer =
  | { readonly kind: 'done'; readonly user: LocalUser }
  | { readonly kind: 'exists' | 'unknown' | 'address_taken' }
  | { readonly kind: 'wrong'; readonly part: string; readonly problem: string }

/** radcli before 1.4.0 cuts a password there. */
const LONGEST_PASSWORD = 112

/** Local users in people's hands. */
export class Users {
  readonly #options: UsersOptions

  constructor(options: UsersOptions) {
    this.#options = options
  }

  async add(wanted: WantedUser, deed: Deed): Promise<UserAnswer> {
    const { users, clock } = this.#options
    const name = canonicalUserName(wanted.name)
    if (name === undefined) return wrong('name', 'no login could carry it as the name of a local user')
    const fault = faultIn(wanted)
    if (fault !== undefined) return fault
    // Before the hash, which costs; whoever comes between is noticed below.
    if ((await users.find(name)) !== undefined) return { kind: 'exists' }
    const { ipv4, ipv6, groups = [], expiresAt } = wanted
    const user: LocalUser = {
      name,
      passwordHash: await this.#hashed(wanted.password),
      enabled: true,
      expiresAt,
      groups: [...new Set(groups)],
      attributes: { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) },
      createdAt: clock.now(),
    }
    const answer = await users.add(user)
    if (answer !== 'added') return { kind: answer }
    await witness(deed, { kind: 'user.added', user: name }, this.#options)
    return this.#found(name)
  }

  async change(typed: string, wanted: WantedChange, deed: Deed): Promise<UserAnswer> {
    const { users, sessions } = this.#options
    const name = canonicalUserName(typed)
    const user = name === undefined ? undefined : await users.find(name)
    if (name === undefined || user === undefined) return { kind: 'unknown' }
    const fault = faultIn(wanted)
    if (fault !== undefined) return fault
    const { enabled, groups, expiresAt, ipv4, ipv6 } = wanted
    const answer = await users.change(name, {
      enabled,
      expiresAt,
      passwordHash: await this.#hashed(wanted.password),
      groups: groups === undefined ? undefined : [...new Set(groups)],
      attributes:
        ipv4 === undefined && ipv6 === undefined ? undefined : withAddresses(user.attributes, wanted),
    })
    if (answer !== 'changed') return { kind: answer }
    if (enabled === false || wanted.password !== undefined) await sessions.deleteAllOf(name)
    await witness(deed, { kind: 'user.changed', user: name, detail: whatChanged(wanted) }, this.#options)
    return this.#found(name)
  }

  /** @returns false where there is no such user. */
  async remove(typed: string, deed: Deed): Promise<boolean> {
    const { users, sessions } = this.#options
    const name = canonicalUserName(typed)
    if (name === undefined || !(await users.remove(name))) return false
    await sessions.deleteAllOf(name)
    await witness(deed, { kind: 'user.removed', user: name }, this.#options)
    return true
  }

  async #hashed(password: Secret | undefined): Promise<string | undefined> {
    return password === undefined ? undefined : this.#options.hash(password)
  }

  /** As it was written, addresses in their one spelling. */
  async #found(name: string): Promise<UserAnswer> {
    const user = await this.#options.users.find(name)
    return user === undefined ? { kind: 'unknown' } : { kind: 'done', user }
  }
}

function faultIn({ password, ipv4, ipv6 }: WantedChange): UserAnswer | undefined {
  if (password !== undefined && password.bytes().length > LONGEST_PASSWORD)
    return wrong('password', `is longer than ${LONGEST_PASSWORD} octets`)
  if (typeof ipv4 === 'string' && parseAddress(ipv4)?.kind() !== 'ipv4') return wrong('ipv4', 'is no address')
  if (typeof ipv6 === 'string' && parseAddress(ipv6)?.kind() !== 'ipv6') return wrong('ipv6', 'is no address')
  return undefined
}

function wrong(part: string, problem: string): UserAnswer {
  return { kind: 'wrong', part, problem }
}

function withAddresses(own: StaticAttributes, { ipv4, ipv6 }: WantedChange): StaticAttributes {
  const wanted = { ...own, ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) }
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null))
}

/** For the audit trail: which parts, and of the harmless ones what they are now. */
function whatChanged(wanted: WantedChange): string {
  const { enabled, password, groups, ipv4, ipv6, expiresAt } = wanted
  const parts = [
    ...(enabled === undefined ? [] : [enabled ? 'enabled' : 'disabled']),
    ...(password === undefined ? [] : ['new password']),
    ...(groups === undefined ? [] : [`groups ${groups.join(' ') || 'none'}`]),
    ...(ipv4 === undefined ? [] : [`ipv4 ${ipv4 ?? 'none'}`]),
    ...(ipv6 === undefined ? [] : [`ipv6 ${ipv6 ?? 'none'}`]),
    ...(expiresAt === undefined
      ? []
      : [`expires ${expiresAt === null ? 'never' : new Date(expiresAt).toISOString()}`]),
  ]
  return parts.join(', ')
}
