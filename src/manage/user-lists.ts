import { createHash } from 'node:crypto'
import type { AuditEvent } from '../domain/audit.ts'
import type { ListedUser, ListFault, UserList } from '../domain/listed-user.ts'
import { usernameOf } from '../domain/login-name.ts'
import { canonicalAddress, clientAddressFault, type Network } from '../domain/network.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { OrderCause } from '../domain/session-order.ts'
import { type LocalUser, type UserChange, type UserStore, userDigestOf } from '../domain/user.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import { type AuditContext, auditEvent } from './audit-context.ts'
import { isOthersName, type NamesakesOptions } from './namesakes.ts'
import { describeChange, type UserChange as WantedChange, withAddresses } from './users.ts'

export interface UserListsOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly users: Pick<UserStore, 'find' | 'applyList' | 'ownersOf'>
  /** Absent where nobody can be signed in. */
  readonly sessions?: Pick<WebSessionStore, 'deleteAllOf'>
  readonly parse: (text: string) => UserList
  readonly candidates: NamesakesOptions['candidates']
  /** Networks of the pools. */
  readonly pools: readonly Network[]
}

interface PlannedChange {
  readonly line: number
  readonly before: LocalUser
  readonly change: UserChange
  /** The same as the list has it. */
  readonly wanted: WantedChange
}

/** What a list of users would do. */
export interface UserListPlan {
  readonly added: readonly (LocalUser & Pick<ListFault, 'line'>)[]
  readonly changed: readonly PlannedChange[]
  /** How many are in the records as they are in the list. */
  readonly unchanged: number
  /** In the order of the list. Where there are any, nothing is done. */
  readonly faults: readonly ListFault[]
  /** The same text for the same plan. */
  readonly digest: string
}

/** Users of one list: each costs a few statements of the one transaction. */
export const MAX_LISTED = 2000
/** Lookups at the same time. */
const AT_ONCE = 64

type Entry = UserList['entries'][number]
type Allows = (name: string, groups: readonly string[]) => Promise<boolean>

/** Adds and changes local users by a list: first it is looked at, then all of it is done, or nothing. */
export class UserLists {
  readonly #options: UserListsOptions

  constructor(options: UserListsOptions) {
    this.#options = options
  }

  /**
   * Looks at every line and writes nothing.
   * @param allows whether the caller may change the user, and give these groups. @throws Unavailable
   */
  async plan(text: string, allows: Allows): Promise<UserListPlan> {
    const { entries, faults: unreadable } = this.#options.parse(text)
    const faults: ListFault[] = [...unreadable]
    const [line] = entries.slice(MAX_LISTED).map((each) => each.line)
    if (line !== undefined)
      faults.push({ line, problem: `the list has more than ${MAX_LISTED} users; send it in parts` })
    const listed = entries.slice(0, MAX_LISTED)
    const present = await eachOf(listed, async (entry) => ({
      entry,
      before: await this.#options.users.find(entry.name),
      isAllowed: await allows(entry.name, entry.groups ?? []),
    }))
    for (const { entry, isAllowed } of present) {
      const problem = isAllowed ? this.#faultIn(entry) : BEYOND_RIGHTS
      if (problem !== undefined) faults.push({ line: entry.line, problem })
    }
    const added = present.flatMap(({ entry, before }) => (before === undefined ? [this.#newUser(entry)] : []))
    const changed = present.flatMap(({ entry, before }) =>
      before === undefined ? [] : (changeOf(entry, before) ?? []),
    )
    faults.push(...(await this.#takenAddresses(listed)))
    return {
      ...{ added, changed, unchanged: listed.length - added.length - changed.length },
      faults: faults.toSorted((one, other) => one.line - other.line),
      digest: digestOf(added, changed),
    }
  }

  /** @returns `overtaken`, with nothing changed, where the records no longer fit the plan. @throws Unavailable */
  async carryOut({ added, changed }: UserListPlan, context: AuditContext): Promise<'done' | 'overtaken'> {
    const { users, sessions } = this.#options
    const disabled = changed.filter(({ change }) => change.enabled === false)
    const answer = await users.applyList({
      added: added.map(({ line: _, ...user }) => user),
      changed: changed.map(({ before, change }) => ({ before, change, ends: this.#endsOf(change, context) })),
      events: [
        ...added.map(({ name }) => this.#event(context, { kind: 'user.added', user: name })),
        ...changed.map(({ before, wanted }) =>
          this.#event(context, { kind: 'user.changed', user: before.name, detail: describeChange(wanted) }),
        ),
      ],
    })
    if (answer === 'done')
      for (const { before } of disabled) await sessions?.deleteAllOf(usernameOf(before.name))
    return answer
  }

  #faultIn({ name, ipv4, ipv6 }: Entry): string | undefined {
    const { candidates, pools } = this.#options
    if (isOthersName(name, candidates))
      return `the realm of ${name} belongs to another identity store; leave the user out`
    for (const [kind, address] of [['ipv4', ipv4] as const, ['ipv6', ipv6] as const]) {
      const fault = typeof address === 'string' ? clientAddressFault(address, kind, pools) : undefined
      if (fault !== undefined) return `${fault}; write one address that a client can have`
    }
    return undefined
  }

  #newUser({ line, name, groups = [], mail, ipv4, ipv6, expiresAt, language, enabled = true }: Entry) {
    return {
      ...{ line, name, enabled, groups },
      attributes: withAddresses({}, { ipv4, ipv6 }),
      createdAt: this.#options.clock.now(),
      expiresAt: expiresAt ?? undefined,
      mail: mail ?? undefined,
      language: language ?? undefined,
    }
  }

  /** Within the list, and those of users who keep theirs. */
  async #takenAddresses(entries: readonly Entry[]): Promise<readonly ListFault[]> {
    const wanted = entries.flatMap(({ line, name, ipv4, ipv6 }) =>
      [ipv4, ipv6].flatMap((each) =>
        typeof each === 'string' ? [{ line, name, address: canonicalAddress(each) }] : [],
      ),
    )
    const owners = await this.#options.users.ownersOf(wanted.map(({ address }) => address))
    const listed = new Map(entries.map((entry) => [entry.name, entry]))
    const lineOf = new Map<string, number>()
    return wanted.flatMap(({ line, name, address }): ListFault[] => {
      const earlier = lineOf.get(address)
      if (earlier !== undefined)
        return [{ line, problem: `${address} is in line ${earlier} already; give each user another address` }]
      lineOf.set(address, line)
      const owner = owners.get(address)
      if (owner === undefined || owner === name || isLeft(listed.get(owner), address)) return []
      return [{ line, problem: `${address} is the address of ${owner}; choose another one` }]
    })
  }

  #endsOf(change: UserChange, { actor = 'ocbroker', reason }: AuditContext): OrderCause | undefined {
    const at = this.#options.clock.now()
    const hasExpired = typeof change.expiresAt === 'number' && change.expiresAt <= at
    if (change.enabled !== false && !hasExpired) return undefined
    return { reason: change.enabled === false ? 'disabled' : 'expired', by: actor, at, detail: reason }
  }

  #event(context: AuditContext, event: Pick<AuditEvent, 'kind' | 'user' | 'detail'>): AuditEvent {
    return auditEvent(context, event, this.#options)
  }
}

const BEYOND_RIGHTS = 'you lack a right that the user or a group has; leave the user out'

/** @returns whether the list takes the address from its present owner. */
function isLeft(owner: ListedUser | undefined, address: string): boolean {
  const mine = address.includes(':') ? owner?.ipv6 : owner?.ipv4
  return mine !== undefined && (mine === null || canonicalAddress(mine) !== address)
}

/** @returns undefined where the user is so already. */
function changeOf({ line, name: _, ...wanted }: Entry, before: LocalUser): PlannedChange | undefined {
  const { ipv4, ipv6 } = before.attributes
  const shown = { ...before, ipv4, ipv6 }
  const parts = Object.entries(wanted).filter(([part, value]) => {
    const present = shown[part as keyof WantedChange & keyof typeof shown] ?? null
    return value !== undefined && JSON.stringify(comparable(value)) !== JSON.stringify(comparable(present))
  })
  if (parts.length === 0) return undefined
  const wantedChange: Omit<WantedChange, 'password'> = Object.fromEntries(parts)
  const { ipv4: newIpv4, ipv6: newIpv6, ...kept } = wantedChange
  const hasAddress = newIpv4 !== undefined || newIpv6 !== undefined
  const attributes = hasAddress ? withAddresses(before.attributes, wantedChange) : undefined
  return { line, before, change: { ...kept, attributes }, wanted: wantedChange }
}

function comparable(value: unknown): unknown {
  return typeof value === 'string' ? canonicalAddress(value) : value
}

function digestOf(added: UserListPlan['added'], changed: UserListPlan['changed']): string {
  const users = added.map((user) => userDigestOf({ ...user, createdAt: 0 }))
  const changes = changed.map(({ before, change }) => [userDigestOf(before), change])
  return createHash('sha256')
    .update(JSON.stringify([users, changes]))
    .digest('hex')
}

async function eachOf<From, To>(all: readonly From[], map: (each: From) => Promise<To>): Promise<To[]> {
  const done: To[] = []
  for (let at = 0; at < all.length; at += AT_ONCE)
    done.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(map))))
  return done
}
