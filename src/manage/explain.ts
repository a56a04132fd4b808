import type { LeaseStore } from '../domain/address-pool.ts'
import type { Clock } from '../domain/clock.ts'
import type { EnrolmentRegister, RegisteredEnrolment } from '../domain/enrolment-register.ts'
import { bars, type Lockout, sparedAt } from '../domain/lockout.ts'
import { type LoginName, parseLoginName } from '../domain/login-name.ts'
import type { LoginStore } from '../domain/login-records.ts'
import { canonicalAddress, type Network, parseAddress } from '../domain/network.ts'
import { type Account, type Candidate, type Person, subjectOf, Unavailable } from '../domain/person.ts'
import { choosePolicy, type Entitlement, entitle, type Policy, withAddress } from '../domain/policy.ts'
import type { RefusalReason } from '../domain/refusal.ts'
import type { SecondFactorMode } from '../login/typed-code.ts'

export interface ExplainOptions {
  readonly candidates: (name: LoginName, gateway: string) => readonly Candidate[]
  readonly login: Pick<LoginStore, 'view'>
  readonly register: Pick<EnrolmentRegister, 'find'>
  readonly policies: readonly Policy[]
  readonly leases: Pick<LeaseStore, 'usage' | 'find'>
  /** Where failures lock nobody. */
  readonly exempt: readonly Network[]
  /** Names, in the order of the configuration. */
  readonly gateways: readonly string[]
  readonly secondFactor: { readonly required: boolean; readonly mode: SecondFactorMode }
  /** An entitlement as the attributes of a reply. */
  readonly describeReply: (entitlement: Entitlement) => readonly NamedValue[]
  readonly clock: Clock
  /** Milliseconds that an identity store has for its answer. */
  readonly patienceMs: number
}

interface NamedValue {
  readonly name: string
  readonly value: string
}

/** The login in question. */
export interface Supposed {
  /** As the gateway would send it. */
  readonly user: string
  /** Absent: the first of the configuration. */
  readonly gateway?: string
  /** The user's own address. */
  readonly address?: string
}

interface AskedStore {
  readonly store: string
  readonly subject: string
  readonly answer: 'known' | 'barred' | 'unknown' | 'unavailable'
  readonly detail?: string
  readonly groups?: readonly string[]
}

interface Outcome {
  readonly kind: 'would_pass' | 'would_be_refused' | 'cannot_tell'
  readonly reason?: RefusalReason
  /** One sentence for people. */
  readonly words: string
}

export interface Explanation {
  readonly user: string
  readonly gateway: string
  readonly address?: string
  readonly outcome: Outcome
  readonly stores: readonly AskedStore[]
  readonly locks: readonly Lockout[]
  readonly enrolment?: RegisteredEnrolment
  readonly policy?: string
  readonly reply?: readonly NamedValue[]
}

/**
 * What a login would come to now, by the questions that a login asks and in their order, with all answers that can be
 * had. Nothing is counted or changed, and no password is looked at.
 * @returns what is wrong with the question where it is none.
 */
export async function explain(
  { user, gateway: named, address: typedAddress }: Supposed,
  options: ExplainOptions,
): Promise<Explanation | { readonly wrong: 'user' | 'gateway' | 'address' }> {
  const name = parseLoginName(user)
  const gateway = named ?? options.gateways[0] ?? ''
  if (name === undefined) return { wrong: 'user' }
  if (!options.gateways.includes(gateway)) return { wrong: 'gateway' }
  if (typedAddress !== undefined && parseAddress(typedAddress) === undefined) return { wrong: 'address' }
  const address = typedAddress === undefined ? undefined : canonicalAddress(typedAddress)

  const candidates = options.candidates(name, gateway)
  const { stores, person, isCut } = await askStores(candidates, options)
  const { locks, knownAddress } = await options.login.view({
    user: name.stem,
    subjects: candidates.map(({ subject }) => subject),
    address,
    now: options.clock.now(),
  })
  const enrolment = await enrolmentOf(stores, options)
  const policy = person === undefined ? undefined : choosePolicy(options.policies, person, gateway, address)
  const entitlement =
    person === undefined || policy?.reply === undefined ? undefined : entitle(policy.reply, person.attributes)
  const reply = entitlement && describe(entitlement, options)
  const noAddress = entitlement && person && (await whyNoAddress(entitlement, person, options))
  const spared = sparedAt(address, knownAddress, options.exempt)
  const barring = locks.filter((lock) => bars(lock, spared))
  const found = { locks: barring, stores, isCut, enrolment, person, policy, noAddress }
  return {
    user: name.stem,
    gateway,
    address,
    outcome: outcomeOf(found, options),
    stores,
    locks,
    enrolment,
    policy: policy?.name,
    reply,
  }
}

interface Found {
  /** Those that bar this login. */
  readonly locks: readonly Lockout[]
  readonly stores: readonly AskedStore[]
  /** A store could not be asked, so nobody knows whether it knows the user. */
  readonly isCut: boolean
  readonly enrolment?: RegisteredEnrolment
  readonly person?: Person
  readonly policy?: Policy
  /** Why there is no address for the session, in one sentence. */
  readonly noAddress?: string
}

async function askStores(
  candidates: readonly Candidate[],
  options: ExplainOptions,
): Promise<Pick<Found, 'stores' | 'isCut' | 'person'>> {
  const stores: AskedStore[] = []
  for (const candidate of candidates) {
    const { store, subject } = candidate
    const about = { store: store.name, subject }
    const answer = await lookUp(candidate, options)
    switch (answer.kind) {
      case 'unknown':
        stores.push({ ...about, answer: 'unknown' })
        continue
      case 'unavailable':
        stores.push({ ...about, answer: 'unavailable', detail: answer.detail })
        if (candidate.mayBeMissing) continue
        return { stores, isCut: true }
      case 'barred':
        stores.push({ ...about, answer: 'barred', detail: answer.detail })
        return { stores, isCut: false }
      case 'right': {
        const { groups, attributes } = answer.account
        const own = subjectOf(candidate, answer.account)
        stores.push({ ...about, subject: own, answer: 'known', groups })
        return { stores, isCut: false, person: { subject: own, source: store.name, groups, attributes } }
      }
    }
  }
  return { stores, isCut: false }
}

type Looked =
  | { readonly kind: 'right'; readonly account: Account }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'barred' | 'unavailable'; readonly detail: string }

async function lookUp({ store, name }: Candidate, { clock, patienceMs }: ExplainOptions): Promise<Looked> {
  try {
    return await store.lookup(name, clock.monotonic() + patienceMs)
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'unavailable', detail: error.message }
    throw error
  }
}

/** Of whoever the last store is about: the one that knows the user, or would be the one. */
async function enrolmentOf(
  stores: readonly AskedStore[],
  { register }: ExplainOptions,
): Promise<RegisteredEnrolment | undefined> {
  const subject = stores.findLast(({ answer }) => answer !== 'unknown')?.subject
  return subject === undefined ? undefined : register.find(subject)
}

/** Which address the pool gives is not known before a login. */
function describe(entitlement: Entitlement, { describeReply }: ExplainOptions): readonly NamedValue[] {
  const { pool, ipv4 } = entitlement
  if (pool === undefined || ipv4 !== undefined) return describeReply(entitlement)
  const attributes = describeReply(withAddress(entitlement, pool.network.base.toString()))
  return attributes.map(({ name, value }) => ({
    name,
    value: name === 'Framed-IP-Address' ? `one of pool ${pool.name}` : value,
  }))
}

/** @returns undefined where there is one. */
async function whyNoAddress(
  { pool, ipv4 }: Entitlement,
  { subject }: Person,
  { leases }: ExplainOptions,
): Promise<string | undefined> {
  if (ipv4 !== undefined) {
    const lease = await leases.find(ipv4)
    const isOthers = lease?.session !== undefined && lease.subject !== subject
    return isOthers ? `The user’s own address ${ipv4} is ${lease.subject}’s at the moment.` : undefined
  }
  if (pool === undefined) return undefined
  const usage = (await leases.usage()).find((each) => each.pool === pool.name)
  const isFull = usage === undefined || usage.held === usage.size
  return isFull ? `Pool ${pool.name} has no free address.` : undefined
}

function outcomeOf(
  { locks, stores, isCut, enrolment, person, policy, noAddress }: Found,
  options: ExplainOptions,
): Outcome {
  const { required, mode } = options.secondFactor
  const last = stores.at(-1)
  if (locks.length > 0) {
    const how = locks.map(({ scope, reason }) => `${scope}: ${reason}`).join('; ')
    return refused('locked', `Locked (${how}).`)
  }
  if (isCut) return { kind: 'cannot_tell', reason: 'unavailable', words: `${last?.store} cannot be asked.` }
  if (last?.answer === 'barred') return refused('barred', `${last.store} bars the user: ${last.detail}.`)
  if (person === undefined) return refused('bad_credentials', 'No identity store knows the user.')
  if (enrolment === undefined && (required || mode === 'only'))
    return refused('no_second_factor', 'The user has no authenticator.')
  if (policy === undefined) return refused('no_policy', 'No policy applies.')
  if (policy.reply === undefined) return refused('no_policy', `Policy ${policy.name} refuses.`)
  if (noAddress !== undefined) return refused('no_address', noAddress)
  const proof = enrolment === undefined ? 'the right password' : PROOFS[mode]
  return { kind: 'would_pass', words: `With ${proof} the user gets in by policy ${policy.name}.` }
}

const PROOFS: Readonly<Record<SecondFactorMode, string>> = {
  challenge: 'the right password and then the code',
  append: 'the right password and the code behind it',
  either: 'the right password and the code, behind it or at a prompt',
  only: 'the code alone',
}

function refused(reason: RefusalReason, words: string): Outcome {
  return { kind: 'would_be_refused', reason, words }
}
