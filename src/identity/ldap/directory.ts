import type { Clock } from '../../domain/clock.ts'
import type { Deadlines } from '../../domain/deadlines.ts'
import type { Log } from '../../domain/log.ts'
import type { Account } from '../../domain/person.ts'
import { attributesRead, readAccountAttributes } from './account-attributes.ts'
import {
  type AccountFacts,
  AD_ATTRIBUTES,
  adFacts,
  STAMP_ATTRIBUTES,
  stampFacts,
} from './active-directory.ts'
import { type BindName, parseBindName } from './bind-name.ts'
import { type BindVerdict, bindVerdict } from './bind-verdict.ts'
import type { FoundUser, Outcome, Question } from './calls.ts'
import type { Connection, Entry, Found } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import { type FilterMaker, filterMaker } from './filter-objects.ts'
import { parseFilter } from './filter-template.ts'
import { type DirectoryGroup, GroupMap } from './group-map.ts'
import { type GroupSearch, groupSearches } from './group-search.ts'
import type { Job } from './job.ts'
import { PresenceFilter, type SearchOrder } from './ldapjs-coding.ts'
import { bearsName, claimsInFilter, claimsInName, type NameClaim, ownName } from './name-claims.ts'
import { examine } from './readiness.ts'
import { Code, oneLine, resultWords } from './result-codes.ts'
import { Server } from './server.ts'
import { OutOfReach, Servers } from './servers.ts'
import type { DirectorySettings } from './settings.ts'
import { TlsFiles } from './tls-files.ts'

export interface DirectoryOptions {
  readonly settings: DirectorySettings
  readonly deadlines: Deadlines
  readonly clock: Clock
  readonly log: Log
}

/** Asks one search of the directory, as whoever may. */
type Ask = (order: SearchOrder) => Promise<Found>

/** One more than may match, so that a second match shows. */
const USER_SIZE_LIMIT = 2

const ANYTHING = new PresenceFilter({ attribute: 'objectClass' })

/** The directory in a thread of its own: all that is asked of it for a login is asked here. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #servers: Servers
  readonly #userFilter: FilterMaker | undefined
  readonly #bindName: BindName | undefined
  readonly #claims: readonly NameClaim[]
  readonly #wanted: readonly string[]
  readonly #memberOf: readonly string[]
  readonly #groupSearches: readonly GroupSearch[]
  readonly #groupMap: GroupMap

  /** @throws TemplateFault */
  constructor(options: DirectoryOptions) {
    const { settings, deadlines, clock, log } = options
    const { users, groups } = settings
    this.#options = options
    const filter = users.filter === undefined ? undefined : parseFilter(users.filter, ['user'])
    this.#userFilter = filter && filterMaker(filter)
    this.#bindName = users.bindTemplate === undefined ? undefined : parseBindName(users.bindTemplate)
    this.#claims = [
      ...(filter === undefined ? [] : claimsInFilter(filter)),
      ...(users.bindTemplate === undefined ? [] : claimsInName(users.bindTemplate)),
    ]
    this.#memberOf = groups.sources.flatMap((source) =>
      source.kind === 'memberOf' ? [(source.attribute ?? 'memberOf').toLowerCase()] : [],
    )
    this.#groupSearches = groupSearches(groups.sources)
    this.#groupMap = new GroupMap(groups)
    this.#wanted = wantedAttributes(settings, this.#claims, this.#memberOf)

    const files = new TlsFiles({ ...settings.tls, clock, log })
    const servers = settings.servers.map(
      ({ url, target }) => new Server({ url, target, settings, files, deadlines, clock, log }),
    )
    this.#servers = new Servers({ servers, operationMs: settings.deadlines.operationMs, clock })
  }

  /** Never throws for what a directory says or fails to say. */
  async answer(job: Job, question: Question): Promise<Outcome> {
    try {
      switch (question[0]) {
        case 'login':
          return await this.#login(job, question[1], question[2])
        case 'begin':
          return await this.#login(job, question[1], job.password)
        case 'find':
          return await this.#findAsService(job, question[1])
        case 'prove':
          return await this.#prove(job, question[1], question[2])
        case 'lookup':
          return await this.#lookUp(job, question[1])
        case 'check':
          return await this.#check(job)
      }
    } catch (error) {
      if (!(error instanceof OutOfReach || error instanceof ConnectionLost)) throw error
      return { kind: 'unavailable', cause: error.message, sent: job.isBindSent }
    }
  }

  close(): void {
    this.#servers.close()
  }

  async #login(job: Job, user: string, password: string | Promise<string | undefined>): Promise<Outcome> {
    if (this.#bindName !== undefined) {
      const known = await password
      return known === undefined
        ? { kind: 'unknown' }
        : this.#bindByTemplate(job, user, known, this.#bindName)
    }
    const outcome = await this.#findAsService(job, user)
    if (outcome.kind !== 'found') return outcome
    const known = await password
    if (known === undefined) return { kind: 'unknown' }
    const proof = await this.#prove(job, outcome.user, known)
    const { account, facts } = outcome.user
    if (proof.kind !== 'right') return proof
    if (facts.barred !== undefined) return facts.barred
    return { kind: 'right', account: merged(account, proof.account) }
  }

  async #lookUp(job: Job, user: string): Promise<Outcome> {
    const outcome = await this.#findAsService(job, user)
    if (outcome.kind !== 'found') return outcome
    const { account, facts } = outcome.user
    if (facts.barred !== undefined) return facts.barred
    const groups = await this.#searchGroups(outcome.user, this.#asService(job))
    return { kind: 'right', account: { ...account, groups: union(account.groups, groups) } }
  }

  async #findAsService(job: Job, user: string): Promise<Outcome> {
    const { service } = this.#options.settings
    if (this.#bindName !== undefined && service === undefined)
      throw new OutOfReach('without bind_dn nobody can be looked up')
    const { value, server } = await this.#servers.use('searches', job, async (connection, expiresAt) => {
      const name = this.#bindName?.isDn ? this.#bindName.of(user) : undefined
      return this.#find(user, name, (order) => connection.search(order, job, expiresAt))
    })
    return value.kind === 'found' ? { kind: 'found', user: { ...value.user, server: server.url } } : value
  }

  /** @param name the entry's, where it is known. */
  async #find(user: string, name: string | undefined, ask: Ask): Promise<Outcome> {
    const { base, scope } = this.#options.settings.users
    const filter = this.#userFilter === undefined ? ANYTHING : this.#userFilter({ user })
    const where = name === undefined ? { base: base ?? '', scope } : { base: name, scope: 'base' as const }
    if (filter === undefined) return { kind: 'unknown' }
    const found = await ask(
      this.#order({ ...where, filter, attributes: this.#wanted, sizeLimit: USER_SIZE_LIMIT }),
    )
    if (found.references > 0) this.#noteReferral(user)
    const [entry, second] = found.entries
    // Nobody stands there (RFC 4511 appendix A.2).
    if (found.code === Code.noSuchObject && name !== undefined) return { kind: 'unknown' }
    if (found.code === Code.referral) {
      this.#noteReferral(user)
      return { kind: 'unknown' }
    }
    if (second !== undefined || (entry !== undefined && found.code === Code.sizeLimitExceeded))
      return { kind: 'wrong', detail: 'more than one entry matches' }
    if (found.code !== Code.success) throw searchFault(found, where.base)
    if (entry === undefined || entry.dn === '') return { kind: 'unknown' }
    if (!bearsName(entry.attributes, this.#claims, user)) {
      this.#options.log.debug('ldap.other_spelling', { identity: this.#name, user, entry: oneLine(entry.dn) })
      return { kind: 'unknown' }
    }
    return { kind: 'found', user: this.#describe(user, entry) }
  }

  #describe(name: string, { dn, attributes }: Entry): FoundUser {
    const read = readAccountAttributes(attributes, this.#options.settings.attributes)
    for (const { attribute, value } of read.faults) {
      const fields = { identity: this.#name, entry: oneLine(dn), attribute, value: oneLine(value) }
      this.#options.log.warn('ldap.value_unusable', fields)
    }
    const own = ownName(dn, attributes, this.#claims)
    const uid = attributes.get('uid')?.[0]
    const gid = attributes.get('gidnumber')?.[0]
    const groups = this.#memberOf
      .flatMap((attribute) => attributes.get(attribute) ?? [])
      .map((group) => ({ dn: group }))
    return {
      name,
      dn,
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      server: '',
      account: {
        ...(own !== undefined && own !== name && { name: own }),
        groups: this.#groupMap.toBroker(groups),
        attributes: read.attributes,
      },
      facts: this.#factsOf(attributes),
    }
  }

  #factsOf(attributes: Entry['attributes']): AccountFacts {
    const { settings, clock } = this.#options
    return settings.isActiveDirectory ? adFacts(attributes, clock.now()) : stampFacts(attributes)
  }

  /** Sends the user's password, once; the answer holds the groups that have to be searched for. */
  async #prove(job: Job, user: FoundUser, password: string): Promise<Outcome> {
    const preferred = this.#servers.all.find(({ url }) => url === user.server)
    const { value: verdict } = await this.#servers.use(
      'binds',
      job,
      (connection, expiresAt) => sendPassword(connection, user.dn, password, job, expiresAt),
      preferred,
    )
    if (verdict.kind !== 'right') return refusalOf(verdict)
    const groups = await this.#searchGroups(user, this.#asService(job))
    return { kind: 'right', account: { groups, attributes: {} } }
  }

  async #bindByTemplate(job: Job, user: string, password: string, bindName: BindName): Promise<Outcome> {
    const name = bindName.of(user)
    const { service } = this.#options.settings
    const { value } = await this.#servers.use(
      'binds',
      job,
      async (connection, expiresAt): Promise<Outcome> => {
        const verdict = await sendPassword(connection, name, password, job, expiresAt)
        if (verdict.kind !== 'right') return refusalOf(verdict)
        const ask: Ask =
          service === undefined ? (order) => connection.search(order, job, expiresAt) : this.#asService(job)
        const outcome = await this.#find(user, bindName.isDn ? name : undefined, ask)
        if (outcome.kind === 'unknown')
          return { kind: 'barred', detail: 'the password is right, but no entry of this name is permitted' }
        if (outcome.kind !== 'found') return outcome
        const { account, facts } = outcome.user
        if (facts.barred !== undefined) return facts.barred
        const groups = await this.#searchGroups(outcome.user, ask)
        return { kind: 'right', account: { ...account, groups: union(account.groups, groups) } }
      },
    )
    return value
  }

  async #searchGroups({ name, dn, uid, gid }: FoundUser, ask: Ask): Promise<readonly string[]> {
    const { nameAttribute, most } = this.#options.settings.groups
    const groups: DirectoryGroup[] = []
    for (const { base, scope, filter: make } of this.#groupSearches) {
      const filter = make({ user: name, dn, uid: uid ?? name, ...(gid !== undefined && { gid }) })
      if (filter === undefined) continue
      const found = await ask(
        this.#order({ base, scope, filter, attributes: [nameAttribute], sizeLimit: most }),
      )
      // With some of the groups alone another policy might apply than with all.
      if (found.code === Code.sizeLimitExceeded)
        throw new OutOfReach(`${oneLine(dn)} has more than ${most} groups`)
      if (found.code !== Code.success) throw searchFault(found, base)
      for (const entry of found.entries) {
        const group = entry.attributes.get(nameAttribute.toLowerCase())?.[0]
        groups.push({ dn: entry.dn, ...(group !== undefined && { name: group }) })
      }
    }
    return this.#groupMap.toBroker(groups)
  }

  #asService(job: Job): Ask {
    return async (order) => {
      const work = (connection: Connection, expiresAt: number) => connection.search(order, job, expiresAt)
      return (await this.#servers.use('searches', job, work)).value
    }
  }

  #order(order: Omit<SearchOrder, 'timeLimit'>): SearchOrder {
    return { ...order, timeLimit: Math.ceil(this.#options.settings.deadlines.operationMs / 1000) }
  }

  async #check(job: Job): Promise<Outcome> {
    const { settings, log } = this.#options
    const seen = await Promise.all(
      this.#servers.all.map((server) => examine(server, settings, this.#wanted, job)),
    )
    const faults = seen.filter(({ cause }) => cause !== undefined)
    if (faults.length === seen.length)
      throw new OutOfReach(faults.map(({ server, cause }) => `${server.url}: ${cause}`).join('; '))
    for (const { server, cause } of faults)
      log.warn('ldap.server_not_ready', { identity: settings.name, server: server.url, cause })
    return { kind: 'ready' }
  }

  get #name(): string {
    return this.#options.settings.name
  }

  #noteReferral(user: string): void {
    this.#options.log.debug('ldap.referral_ignored', { identity: this.#name, user })
  }
}

async function sendPassword(
  connection: Connection,
  name: string,
  password: string,
  job: Job,
  expiresAt: number,
): Promise<BindVerdict> {
  return bindVerdict(await connection.bind(name, password, job, expiresAt, () => job.noteBindSent()))
}

function refusalOf(verdict: BindVerdict): Outcome {
  const { kind, detail } = verdict
  if (kind === 'barred') return verdict
  if (kind === 'wrong') return { kind, detail }
  if (kind === 'unknown') return { kind }
  throw new OutOfReach(`the directory refuses binds (${detail})`)
}

function searchFault(found: Found, base: string): Error {
  if (found.code === Code.busy || found.code === Code.unavailable)
    return new ConnectionLost('busy', `it says ${resultWords(found)}`)
  return new OutOfReach(`a search below ${base} fails (${resultWords(found)})`)
}

function wantedAttributes(
  { attributes, groups, isActiveDirectory, wantsStamp }: DirectorySettings,
  claims: readonly NameClaim[],
  memberOf: readonly string[],
): readonly string[] {
  const posix = groups.sources.some((source) => source.kind === 'posix' || source.kind === 'members')
  const wanted = new Set([
    ...claims.map(({ attribute }) => attribute),
    ...memberOf,
    ...attributesRead(attributes).map((name) => name.toLowerCase()),
    ...(posix ? ['uid', 'gidnumber'] : []),
    ...(isActiveDirectory ? AD_ATTRIBUTES : wantsStamp ? STAMP_ATTRIBUTES : []).map((name) =>
      name.toLowerCase(),
    ),
  ])
  return [...wanted]
}

function merged(found: Account, proven: Account): Account {
  return { ...found, groups: union(found.groups, proven.groups) }
}

function union(left: readonly string[], right: readonly string[]): readonly string[] {
  return right.length === 0 ? left : [...new Set([...left, ...right])]
}
