import type { PasswordNotice } from '../../domain/account-state.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Barred } from '../../domain/identity-provider.ts'
import type { Log } from '../../domain/log.ts'
import type { Account } from '../../domain/person.ts'
import type { StoreUser, StoreUserSearch } from '../../domain/store-users.ts'
import { Deadlines } from '../../pacing/deadlines.ts'
import { examine } from './failover/readiness.ts'
import { Server } from './failover/server.ts'
import { AllServersUnavailable, type Operation, Servers } from './failover/servers.ts'
import { type Kind, kindShown, ROOT_ATTRIBUTES } from './kinds.ts'
import { listUsers } from './listing.ts'
import { ANYTHING } from './mapping/anything.ts'
import { type BindName, parseBindName } from './mapping/bind-name.ts'
import { type BindVerdict, bindVerdict } from './mapping/bind-verdict.ts'
import { GroupSearch } from './mapping/group-search.ts'
import { type Ask, type FoundUser, UserSearch, type UserSearchAnswer } from './mapping/user-search.ts'
import type { DirectorySettings } from './settings.ts'
import type { Connection } from './wire/connection.ts'
import { TlsFiles } from './wire/tls-files.ts'

export interface DirectoryOptions {
  readonly settings: DirectorySettings
  readonly clock: Clock
  readonly log: Log
}

export type DirectoryAnswer =
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'wrong'; readonly detail: string }
  | { readonly kind: 'unknown' }
  | Barred

/** How often deadlines are looked at, in milliseconds. */
const TICK_MS = 20

/** What is asked of a directory for a login. All methods @throws ConnectionLost, AllServersUnavailable. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #servers: Servers
  readonly #users: UserSearch
  readonly #groups: GroupSearch
  readonly #bindName: BindName | undefined
  readonly #serverOf = new WeakMap<FoundUser, Server>()
  /** Seconds that a server may take for a search. */
  readonly #timeLimit: number

  /** @throws TemplateFault */
  constructor(options: DirectoryOptions) {
    const { settings, clock, log } = options
    const { bindTemplate } = settings.users
    const { operationMs } = settings.deadlines
    this.#options = options
    this.#users = new UserSearch(options)
    this.#groups = new GroupSearch(settings.groups)
    this.#bindName = bindTemplate === undefined ? undefined : parseBindName(bindTemplate)
    this.#timeLimit = Math.ceil(operationMs / 1000)
    const deadlines = new Deadlines({ clock, intervalMs: TICK_MS })
    const files = new TlsFiles({ ...settings.tls, clock, log })
    const servers = settings.servers.map(
      ({ url, target }) => new Server({ url, target, settings, files, deadlines, clock, log }),
    )
    this.#servers = new Servers({ servers, operationMs, clock })
  }

  /** Searches for a user as the broker itself. */
  async find(operation: Operation, name: string): Promise<UserSearchAnswer> {
    if (this.#bindName !== undefined && this.#options.settings.service === undefined)
      throw new AllServersUnavailable('without bind_dn no user can be looked up')
    const dn = this.#bindName?.isDn ? this.#bindName.of(name) : undefined
    const { value, server } = await this.#servers.use('searches', operation, (connection, expiresAt) =>
      this.#users.find(name, dn, this.#askOver(connection, expiresAt)),
    )
    if (value.kind === 'found') this.#serverOf.set(value.user, server)
    return value
  }

  /**
   * Sends the user's password, once, to the server that knew the entry: another may have counted other wrong ones.
   * Whether the account is barred is not looked at.
   */
  async checkPassword(operation: Operation, user: FoundUser, password: string): Promise<DirectoryAnswer> {
    const { value: verdict } = await this.#servers.use(
      'binds',
      operation,
      (connection, expiresAt) => sendPassword(connection, user.dn, password, operation, expiresAt),
      this.#serverOf.get(user),
    )
    if (verdict.kind !== 'right') return refusalOf(verdict)
    return noting(verdict, await this.#accountOf(user, this.#asService(operation)))
  }

  /** Sends the password under the name that the template makes, and then reads the entry. */
  async bindByTemplate(operation: Operation, name: string, password: string): Promise<DirectoryAnswer> {
    const bindName = this.#bindName
    if (bindName === undefined) throw new Error('there is no template')
    const dn = bindName.of(name)
    const { service } = this.#options.settings
    const work = async (connection: Connection, expiresAt: number): Promise<DirectoryAnswer> => {
      const verdict = await sendPassword(connection, dn, password, operation, expiresAt)
      if (verdict.kind !== 'right') return refusalOf(verdict)
      const ask = service === undefined ? this.#askOver(connection, expiresAt) : this.#asService(operation)
      const answer = await this.#users.find(name, bindName.isDn ? dn : undefined, ask)
      if (answer.kind === 'unknown')
        return { kind: 'barred', detail: 'the password is right, but no entry of this name is permitted' }
      return noting(verdict, await this.#accountUnlessBarred(answer, ask))
    }
    return (await this.#servers.use('binds', operation, work)).value
  }

  /** @returns the entry too, where there is one. */
  async lookup(
    operation: Operation,
    name: string,
  ): Promise<{
    readonly answer: DirectoryAnswer
    readonly user?: FoundUser
    /** Whether it is barred for the age of its password alone. */
    readonly isExpired?: boolean
  }> {
    const found = await this.find(operation, name)
    if (found.kind !== 'found') return { answer: found }
    const { user } = found
    // Without a password the directory itself says nothing of a lock, nor of a password that has expired.
    const { locked, barred, expired } = user.facts
    const refusal = locked ?? barred ?? expired
    const answer = refusal ?? noting(user.facts, await this.#accountOf(user, this.#asService(operation)))
    return { answer, user, isExpired: refusal !== undefined && refusal === expired }
  }

  /** Resolves where at least one server is ready. */
  async checkReady(operation: Operation): Promise<void> {
    const { settings, log } = this.#options
    const seen = await Promise.all(
      this.#servers.all.map((server) =>
        examine(server, settings, this.#users.attributes, operation.expiresAt),
      ),
    )
    const faults = seen.filter(({ cause }) => cause !== undefined)
    if (faults.length === seen.length)
      throw new AllServersUnavailable(faults.map(({ server, cause }) => `${server.url}: ${cause}`).join('; '))
    for (const { server, cause } of faults)
      log.warn('ldap.server_not_ready', { identity: settings.name, server: server.url, cause })
  }

  /** All users, a page at a time. */
  users(search: StoreUserSearch): AsyncGenerator<readonly StoreUser[]> {
    const { settings, clock } = this.#options
    const parts = { users: this.#users, groups: this.#groups, servers: this.#servers.all, clock }
    const asking = (operation: Operation) => this.#asService(operation)
    return listUsers({ ...parts, asking, connectMs: settings.deadlines.connectMs }, search)
  }

  /** What the directory shows that it is. */
  async kind(operation: Operation): Promise<Kind | undefined> {
    const found = await this.#asService(operation)({
      ...{ base: '', scope: 'base', filter: ANYTHING, sizeLimit: 1 },
      attributes: ROOT_ATTRIBUTES,
    })
    const [root] = found.entries
    return root && kindShown(root)
  }

  close(): void {
    this.#servers.close()
  }

  async #accountUnlessBarred(answer: UserSearchAnswer, ask: Ask): Promise<DirectoryAnswer> {
    if (answer.kind !== 'found') return answer
    return answer.user.facts.barred ?? this.#accountOf(answer.user, ask)
  }

  async #accountOf(user: FoundUser, ask: Ask): Promise<DirectoryAnswer> {
    const groups = await this.#groups.find(user, ask)
    const { endsAt } = user.facts
    if (groups !== undefined) return { kind: 'right', account: { ...user.account, groups, endsAt } }
    const { most } = this.#options.settings.groups
    return { kind: 'barred', detail: `the user has more than ${most} groups` }
  }

  #askOver(connection: Connection, expiresAt: number): Ask {
    return (order) => connection.search({ ...order, timeLimit: this.#timeLimit }, expiresAt)
  }

  #asService(operation: Operation): Ask {
    return async (order) =>
      (
        await this.#servers.use('searches', operation, (connection, expiresAt) =>
          this.#askOver(connection, expiresAt)(order),
        )
      ).value
  }
}

async function sendPassword(
  connection: Connection,
  name: string,
  password: string,
  operation: Operation,
  expiresAt: number,
): Promise<BindVerdict> {
  const note = () => {
    operation.isPasswordSent = true
  }
  return bindVerdict(await connection.bind(name, password, expiresAt, note))
}

function noting({ notice }: { readonly notice?: PasswordNotice }, answer: DirectoryAnswer): DirectoryAnswer {
  return answer.kind === 'right' && notice !== undefined
    ? { kind: 'right', account: { ...answer.account, notice } }
    : answer
}

function refusalOf(verdict: BindVerdict): DirectoryAnswer {
  const { kind, detail } = verdict
  if (kind === 'barred') return verdict
  if (kind === 'wrong') return { kind, detail }
  if (kind === 'unknown') return { kind }
  throw new AllServersUnavailable(`the directory refuses binds (${detail})`)
}
