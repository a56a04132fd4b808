import {
  type LeaseRequest,
  type LeaseStore,
  type PoolUsage,
  poolLabel,
  poolOfKey,
} from '../domain/address-pool.ts'
import type { EnrolmentStore, RegisteredEnrolment } from '../domain/enrolment.ts'
import type { Lockout } from '../domain/lockout.ts'
import { type LoginName, parseLoginName, usernameOf } from '../domain/login-name.ts'
import { canonicalAddress, parseAddress } from '../domain/network.ts'
import type { Person } from '../domain/person.ts'
import {
  choosePolicy,
  type Entitlement,
  neededOf,
  type PolicyChoice,
  withAnyAddresses,
} from '../domain/policy.ts'
import type { QuotaStanding } from '../domain/quota.ts'
import type { SessionStore } from '../domain/session.ts'
import { authorizePerson, type PersonAuthorization, type Unauthorized } from '../login/authorize-person.ts'
import { type Foreseen, type ForeseenEnd, type ForeseeOptions, foresee } from '../login/foresee.ts'
import { type AskedStore, Lookups } from '../login/looking-stores.ts'
import { boundedTo } from '../login/quotas.ts'
import { barringLocks, type Outcome, outcomeOf } from './explain-outcome.ts'
import { type Elsewhere, elsewhereWords, type PlaceOptions, placesOf } from './explain-places.ts'
import { countSessions, type SessionCount } from './explain-sessions.ts'

export interface ExplainOptions
  extends Omit<ForeseeOptions, 'lookups' | 'liftsLocks'>,
    Pick<PlaceOptions, 'lockouts'> {
  readonly register: Pick<EnrolmentStore, 'registeredOf'>
  readonly leases: Pick<LeaseStore, 'find' | 'usage'>
  readonly sessions: Pick<SessionStore, 'list' | 'standing'>
  /** Names, in the order of the configuration. */
  readonly gateways: readonly string[]
  /** An entitlement as the attributes of a reply. */
  readonly describeReply: (entitlement: Entitlement) => readonly NamedValue[]
}

interface NamedValue {
  readonly name: string
  readonly value: string
}

/** The login that is asked about. */
export interface Supposed {
  /** The name as the gateway would send it. */
  readonly user: string
  /** Absent: the first one of the configuration. */
  readonly gateway?: string
  /** The user's own address. */
  readonly address?: string
  /** What the client says of itself, for policies that go by it. */
  readonly client?: string
}

/** The part of a question that cannot be answered. */
export type WrongPart = Exclude<keyof Supposed, 'client'>

export interface Explanation {
  readonly user: string
  readonly gateway: string
  readonly address?: string
  readonly outcome: Outcome
  /** Places from which it would be otherwise; none where an address was asked about. */
  readonly elsewhere: readonly Elsewhere[]
  readonly stores: readonly Omit<AskedStore, 'person' | 'needsPassword'>[]
  readonly locks: readonly Lockout[]
  readonly enrolments: readonly RegisteredEnrolment[]
  readonly policy?: string
  /** The row of the policy in the configuration, from 1. */
  readonly policyNumber?: number
  /** The rows before it that do not apply, or all, each with the first condition that does not hold. */
  readonly passedOver?: PolicyChoice['passedOver']
  /** Of the policy. */
  readonly quotas?: readonly QuotaStanding[]
  /** Absent where no policy limits the user's sessions. */
  readonly sessions?: SessionCount
  readonly reply?: readonly NamedValue[]
}

/**
 * Predicts the outcome of a login now, by the very steps of a login. Nothing is counted or changed, and no password is
 * checked.
 * @returns the wrong part of a question that cannot be answered.
 */
export async function explain(
  { user, gateway: named, address: typedAddress, client }: Supposed,
  options: ExplainOptions,
): Promise<Explanation | { readonly wrong: WrongPart }> {
  const name = parseLoginName(user)
  const gateway = named ?? options.gateways[0] ?? ''
  if (name === undefined) return { wrong: 'user' }
  if (!options.gateways.includes(gateway)) return { wrong: 'gateway' }
  if (typedAddress !== undefined && parseAddress(typedAddress) === undefined) return { wrong: 'address' }
  const address = typedAddress === undefined ? undefined : canonicalAddress(typedAddress)

  const supposed = { name, gateway, address, client }
  const lookups = new Lookups()
  const foreseen = await foresee(supposed, { ...options, lookups })
  // Who is locked is still somebody: what the stores and the policies say is shown as well.
  const unlocked = isLocked(foreseen)
    ? await foresee(supposed, { ...options, lookups, liftsLocks: true })
    : foreseen
  const { stores, person } = unlocked
  const enrolments = await enrolmentsOf(stores, options)
  const { policies } = options.settings
  const isEnrolled = enrolments.length > 0
  const about = { gateway, address, client, at: options.clock.now(), enrolled: isEnrolled }
  const choice = person && choosePolicy(policies, { ...about, person })
  const authorized = choice && authorizePerson(person, choice, gateway, options.settings)
  const quotas =
    authorized?.kind === 'authorized'
      ? await options.quotas.standings(authorized.policy, person?.subject ?? '')
      : []
  const limit = authorized?.kind === 'authorized' ? authorized.sessionLimit : undefined
  const sessions =
    person && limit && (await countSessions(limit, person, { ...about, user }, options.sessions))
  const outcome = outcomeOf(foreseen, {
    sessions,
    mode: options.settings.mode,
    isEnrolled,
    noAddress: await whyNoAddress(foreseen, { authorized, person }, options),
  })
  const elsewhere =
    address === undefined ? await byAddress({ name, gateway, foreseen, person, lookups }, options) : []
  return {
    user: name.username,
    gateway,
    address,
    outcome:
      elsewhere.length === 0
        ? outcome
        : { ...outcome, words: dependingWords(elsewhere, foreseen.end, outcome) },
    elsewhere,
    stores: stores.map(({ person: _, needsPassword: __, ...asked }) => asked),
    locks: unlocked.locks,
    enrolments,
    policy: authorized?.policy,
    policyNumber: choice?.number,
    passedOver: choice?.passedOver,
    sessions,
    quotas: quotas.length === 0 ? undefined : quotas,
    reply:
      authorized?.kind === 'authorized'
        ? describe(boundedTo(authorized.entitlement, person, quotas, about.at), options)
        : undefined,
  }
}

function isLocked({ end }: Foreseen): boolean {
  return end.kind === 'refusal' && end.reason === 'locked'
}

function dependingWords(elsewhere: readonly Elsewhere[], end: ForeseenEnd, { words }: Outcome): string {
  const there = elsewhere.map((group) => elsewhereWords(group, end))
  return `Depends on the address: ${there.join('; ')}. From elsewhere: ${words}`
}

/** The authenticators of the subject in the last store that was asked: the one that knows the user, or would. */
async function enrolmentsOf(
  stores: readonly AskedStore[],
  { register }: ExplainOptions,
): Promise<readonly RegisteredEnrolment[]> {
  const subject = stores.findLast(({ answer }) => answer !== 'unknown')?.subject
  return subject === undefined ? [] : register.registeredOf(subject)
}

/** What a pool decides at the login, by the family that the user has no address of. */
const GIVEN = {
  ipv4: ['Framed-IP-Address'],
  ipv6: ['Framed-IPv6-Address', 'Delegated-IPv6-Prefix'],
} as const

/** The reply, where the addresses that a pool will give are not known before a login. */
function describe(entitlement: Entitlement, { describeReply }: ExplainOptions): readonly NamedValue[] {
  const given: readonly string[] = neededOf(entitlement).flatMap((family) => GIVEN[family])
  return describeReply(withAnyAddresses(entitlement)).map(({ name, value }) => ({
    name,
    value: given.includes(name) ? `one of pool ${entitlement.pool?.name}` : value,
  }))
}

async function whyNoAddress(
  { end }: Foreseen,
  about: { readonly authorized?: PersonAuthorization | Unauthorized; readonly person?: Person },
  { leases }: ExplainOptions,
): Promise<string | undefined> {
  const { authorized, person } = about
  if (end.kind !== 'refusal' || end.reason !== 'no_address' || authorized?.kind !== 'authorized')
    return undefined
  const { lease, lease6, entitlement } = authorized
  for (const own of [lease?.address && entitlement.ipv4, lease6?.address && entitlement.ipv6]) {
    const held = own === undefined ? undefined : await leases.find(own)
    if (held?.session !== undefined && held.subject !== person?.subject)
      return `The user’s own address ${own} is ${held.subject}’s at the moment.`
  }
  const usage = await leases.usage()
  const full = [lease, lease6].find((wish) => wish !== undefined && isFull(wish, usage)) ?? lease ?? lease6
  return full && `Pool ${poolLabel(poolOfKey(full.pool))} has no free address.`
}

function isFull({ pool: key, address }: LeaseRequest, usage: readonly PoolUsage[]): boolean {
  const { pool, family } = poolOfKey(key)
  const found = usage.find((each) => each.pool === pool && each.family === family)
  return address === undefined && found?.held === found?.size
}

/** What would be otherwise from some addresses. */
async function byAddress(
  about: {
    readonly name: LoginName
    readonly gateway: string
    readonly foreseen: Foreseen
    readonly person?: Person
    readonly lookups: Lookups
  },
  options: ExplainOptions,
): Promise<readonly Elsewhere[]> {
  const { name, gateway, foreseen, person, lookups } = about
  const user = person === undefined ? name.username : usernameOf(person.subject)
  const { policies, exempt } = options.settings
  const places = await placesOf(user, options.clock.now(), { ...options, policies, exempt })
  const otherwise = keyOf(foreseen)
  const groups = new Map<string, Elsewhere>()
  for (const { address, text } of places) {
    const there = await foresee({ name, gateway, address }, { ...options, lookups })
    const key = keyOf(there)
    if (key === otherwise) continue
    const ends = barringLocks(there).map(({ until }) => until)
    const until = ends.includes(undefined) ? null : Math.max(...ends.map((end) => end ?? 0))
    groups.set(key, { places: [...(groups.get(key)?.places ?? []), text], end: there.end, until })
  }
  return [...groups.values()]
}

/** The same for ends that people would call the same. */
function keyOf(foreseen: Foreseen): string {
  const { end } = foreseen
  if (end.kind === 'lets_in') return JSON.stringify(['lets_in', end.policy, end.waivedBy, end.approves])
  if (end.kind === 'enrols') return 'enrols'
  return JSON.stringify([
    end.reason,
    end.reason === 'locked' ? barringLocks(foreseen).map(({ until }) => until ?? null) : end.detail,
  ])
}
