import { fitsClientPattern } from './client-pattern.ts'
import { foldName, usernameOf } from './login-name.ts'
import { isWithin, type Network } from './network.ts'
import type { Person } from './person.ts'
import { isWithinWindow, type TimeWindow } from './time-window.ts'

/** When a policy applies; every condition that is present must hold. */
export interface PolicyConditions {
  /** The user is one of these: canonical names, or subjects with their realm. */
  readonly users?: readonly string[]
  /** The user is in at least one of these. */
  readonly groups?: readonly string[]
  /** The identity store that knows the user is one of these. */
  readonly stores?: readonly string[]
  readonly gateways?: readonly string[]
  /** The user's own address lies in at least one of these. */
  readonly networks?: readonly Network[]
  /** Patterns of what the client says of itself. Any client can say anything. */
  readonly clients?: readonly string[]
  /** The time lies in at least one of these. */
  readonly times?: readonly TimeWindow[]
  /** Whether the user has an authenticator. */
  readonly enrolled?: boolean
}

/** The login that policies are held against. */
export interface GovernedLogin {
  readonly person: Pick<Person, 'subject' | 'source' | 'groups'>
  readonly gateway: string
  /** The user's own address. */
  readonly address?: string
  /** As `LoginAttempt.client`. */
  readonly client?: string
  /** Wall milliseconds. */
  readonly at: number
  /** Whether the user has an authenticator. */
  readonly enrolled: boolean
}

export type ConditionName = keyof PolicyConditions

type Check = (when: PolicyConditions, login: GovernedLogin) => boolean

/** In this order; the first that does not hold is named. */
const CHECKS: readonly (readonly [ConditionName, Check])[] = [
  ['users', ({ users = [] }, { person }) => isOneOf(users, person)],
  ['groups', ({ groups = [] }, { person }) => groups.some((group) => person.groups.includes(group))],
  ['stores', ({ stores = [] }, { person }) => stores.includes(person.source)],
  ['gateways', ({ gateways = [] }, { gateway }) => gateways.includes(gateway)],
  ['networks', ({ networks = [] }, { address }) => isWithin(networks, address)],
  [
    'clients',
    ({ clients = [] }, { client }) =>
      client !== undefined && clients.some((pattern) => fitsClientPattern(pattern, client)),
  ],
  ['times', ({ times = [] }, { at }) => times.some((window) => isWithinWindow(window, at))],
  ['enrolled', ({ enrolled }, login) => enrolled === login.enrolled],
]

/** @returns the first condition that does not hold; undefined where all hold. */
export function failedCondition(when: PolicyConditions, login: GovernedLogin): ConditionName | undefined {
  return CHECKS.find(([name, holds]) => when[name] !== undefined && !holds(when, login))?.[0]
}

/** Whether the conditions can hold for the person, from wherever and whenever. */
export function mayHoldFor(
  { users, groups }: PolicyConditions,
  person: Pick<Person, 'subject' | 'groups'>,
): boolean {
  if (users !== undefined && !isOneOf(users, person)) return false
  return groups === undefined || groups.some((group) => person.groups.includes(group))
}

/** A name without a realm is that user's of every identity store. */
function isOneOf(users: readonly string[], { subject }: Pick<Person, 'subject'>): boolean {
  return users.includes(foldName(subject)) || users.includes(usernameOf(subject))
}
