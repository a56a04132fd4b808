import { generateSync } from 'otplib'
import { onTestFinished } from 'vitest'
import { type AddressPool, layoutOf } from '../../src/domain/address-pool.ts'
import type { Attempt } from '../../src/domain/attempt.ts'
import type { PendingChallenge } from '../../src/domain/challenge.ts'
import type { Enrolment } from '../../src/domain/enrolment.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import type { LockoutRules } from '../../src/domain/lockout.ts'
import type { Log } from '../../src/domain/log.ts'
import { type LoginName, parseLoginName } from '../../src/domain/login-name.ts'
import type { Network } from '../../src/domain/network.ts'
import { type Account, type IdentityStore, Unavailable } from '../../src/domain/person.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { candidates, type Member } from '../../src/identity/fan-out.ts'
import { attemptLimits, tallyRules } from '../../src/limits/attempt-limits.ts'
import { memoryPassingStore } from '../../src/limits/memory-passing-store.ts'
import { memoryTally } from '../../src/limits/memory-tally.ts'
import { Run } from '../../src/limits/run.ts'
import type { Decision } from '../../src/login/decide.ts'
import { decide, type LoginOptions } from '../../src/login/decide.ts'
import { type EnrolmentCode, EnrolmentCodes } from '../../src/login/enrolment-codes.ts'
import { Pace } from '../../src/login/pace.ts'
import { type RecentGrant, SameAnswer } from '../../src/login/same-answer.ts'
import { recognise } from '../../src/login/second-factor.ts'
import { PORTAL, signIn, signInAgain, signInByLeave } from '../../src/login/sign-in.ts'
import type { SecondFactorMode } from '../../src/login/typed-code.ts'
import { grantFault } from '../../src/radius/grant-fault.ts'
import { layOut } from '../../src/store/lease-layout.ts'
import { sqlRecords } from '../../src/store/records.ts'
import { IN_MEMORY } from '../../src/store/sqlite/calls.ts'
import { openForWriting } from '../../src/store/sqlite/database.ts'

const START = Date.UTC(2026, 0, 1)
const SEED = new Secret(Buffer.from('twenty octets of it!'))

export interface HouseOptions {
  readonly mode?: SecondFactorMode
  readonly required?: boolean
  readonly rules?: Partial<LockoutRules>
  readonly userRate?: number
  readonly policies?: readonly Policy[]
  readonly pools?: readonly AddressPool[]
  readonly exempt?: readonly Network[]
  /** Milliseconds; the same answer is not given again where it is absent. */
  readonly sameAnswerWithinMs?: number
  /** One store, with the same people, for each of these realms; absent: one for whoever comes. */
  readonly realms?: readonly string[]
  /** Whether users enrol in the midst of a login. */
  readonly enrolsAtLogin?: boolean
}

/**
 * A broker's login on real records, limits and challenges, with a clock that stands still until it is told, and an
 * identity store that counts how often it is asked.
 */
export async function openHouse(options: HouseOptions = {}) {
  // In this thread: the store's own thread takes longer to start than any of these tests.
  const { database, db } = await openForWriting({ path: IN_MEMORY, readOnly: false, busyMs: 0 })
  onTestFinished(() => database.close())
  const records = sqlRecords(db, { random: systemRandom })
  await layOut(records.leases, (options.pools ?? []).map(layoutOf))
  const time = { now: START, monotonic: 0 }
  const clock = { now: () => time.now, monotonic: () => time.monotonic }
  const keys = new KeyRing([{ id: 'test', key: new Secret(systemRandom.bytes(32)) }], systemRandom)
  const people = peopleWho()
  const challenges = memoryPassingStore<PendingChallenge>({ name: 'challenges', clock, capacity: 1000 })
  const rules: LockoutRules = {
    after: 5,
    userAfter: 20,
    addressAfter: 50,
    withinMs: 600_000,
    forMs: 300_000,
    upToMs: 3_600_000,
    hardAfter: 100,
    ...options.rules,
  }
  const members = (): readonly Member[] =>
    (options.realms ?? [undefined]).map((realm, index) => ({
      store: realm === undefined ? people.store : { ...people.store, name: `people ${index}` },
      realms: realm === undefined ? [] : [realm],
      onUnavailable: 'stop',
    }))
  const rate = { points: 1_000_000, windowMs: 60_000 }
  const mode = options.mode ?? 'challenge'
  const enrolmentCodes = new EnrolmentCodes(
    memoryPassingStore<EnrolmentCode>({ name: 'enrolment codes', clock, capacity: 100 }),
    systemRandom,
  )
  const enrolAtLogin = options.enrolsAtLogin
    ? { mayEnrol: () => true, page: 'https://vpn.example/enrol', codes: enrolmentCodes }
    : undefined
  const recognising = { keys, clock, window: 1 }
  const recent = memoryPassingStore<RecentGrant>({ name: 'recent grants', clock, capacity: 2 })
  const withinMs = options.sameAnswerWithinMs
  const sameAnswer =
    withinMs === undefined ? undefined : new SameAnswer({ recent, withinMs, ...recognising, log: silentLog })
  const limits = attemptLimits(
    memoryTally(
      tallyRules({
        rates: { user: { ...rate, points: options.userRate ?? rate.points }, address: rate, gateway: rate },
        lockout: rules,
        heldMs: 10_000,
      }),
      { clock },
    ),
    new Run(systemRandom),
  )
  const login: LoginOptions = {
    limits,
    background: {
      records: records.login,
      candidates: (name) => candidates(members(), name),
      exempt: options.exempt ?? [],
      clock,
    },
    firstFactor: {
      mode,
      challenges,
      limits,
      enrolmentCodes,
      isCodeNow: (e, code) => recognise(e, code, recognising).kind !== 'wrong',
    },
    secondFactor: { required: options.required ?? true, mode, tries: 3, ...recognising, enrolAtLogin },
    terms: {
      policies: options.policies ?? [{ name: 'everyone', when: {}, reply: { routes: ['10.0.0.0/8'] } }],
      pools: options.pools ?? [],
      replyFault: grantFault,
    },
    grant: { records: records.login, clock, random: systemRandom, sameAnswer },
    pace: new Pace(clock),
    settle: {
      records: records.login,
      audit: records.audit,
      challenges,
      rules,
      exempt: options.exempt ?? [],
      challengeTtlMs: 120_000,
      enrolAtLogin,
      clock,
      random: systemRandom,
      log: silentLog,
    },
  }

  const { candidates: knownBy } = login.background
  const candidatesAtPortal = (name: LoginName) => knownBy(name, PORTAL)
  const atPortal = { ...login, background: { ...login.background, candidates: candidatesAtPortal } }

  return {
    records,
    keys,
    people,
    time,
    passes(ms: number) {
      time.now += ms
      time.monotonic += ms
    },
    async enrol(subject: string, digits = 6, recoveryHashes: readonly string[] = []): Promise<Enrolment> {
      const shape = { digits, period: 30, algorithm: 'sha1' } as const
      const enrolment: Enrolment = {
        id: systemRandom.id(),
        subject,
        sealedSeed: keys.seal(SEED, subject),
        lastStep: -1,
        createdAt: time.now,
        ...shape,
      }
      await records.enrolments.replace({ enrolment, recoveryHashes })
      return enrolment
    },
    /** The code of this moment, or of `steps` later. */
    code: (steps = 0, digits: 6 | 8 = 6) =>
      generateSync({ secret: SEED.bytes(), digits, epoch: Math.floor(time.now / 1000) + steps * 30 }),
    /** A login at a gateway. */
    login: (typed: string, more: AttemptParts = {}): Promise<Decision> =>
      decide(attemptOf(typed, more), login),
    /** A sign-in at the portal, by an enrolment code or an invitation. */
    enter: (typed: string, more: AttemptParts = {}): Promise<Entrance> =>
      signInByLeave(attemptOf(typed, { gateway: PORTAL, ...more }), {
        ...atPortal,
        leave: { codes: enrolmentCodes, invitations: records.invitations, clock },
      }),
    /** The same with a password, or with a code under the State of a challenge. */
    signIn: (typed: string, more: AttemptParts = {}): Promise<Entrance> =>
      signIn(attemptOf(typed, { gateway: PORTAL, ...more }), atPortal),
    /** Bob, who is signed in, shows a code once more. */
    showAgain: (typed: string): Promise<Entrance> =>
      signInAgain(
        attemptOf(typed, { gateway: PORTAL }),
        { subject: 'bob', source: 'test', groups: [], attributes: {} },
        atPortal,
      ),
  }

  function attemptOf(typed: string, { user = 'bob', ...more }: AttemptParts): Attempt {
    const name = parseLoginName(user)
    if (name === undefined) throw new Error(`no name: ${user}`)
    return {
      id: systemRandom.id(),
      name,
      typed: new Secret(typed),
      gateway: 'gw1',
      address: '198.51.100.7',
      deadline: time.monotonic + 5000,
      ...more,
    }
  }
}

type AttemptParts = Partial<Attempt> & { readonly user?: string }

type Entrance = Awaited<ReturnType<typeof signIn>>

export type House = Awaited<ReturnType<typeof openHouse>>

function peopleWho() {
  const passwords = new Map([['bob', 'right']])
  const accounts = new Map<string, Account>()
  const asked: string[] = []
  const people = {
    /** Every password that reached the check. */
    asked,
    passwords,
    accounts,
    barred: new Set<string>(),
    isDown: false,
    /** Whether it takes every password and says nothing in time. */
    isSilent: false,
    /** How many checks of unknown or locked users were played. */
    pretended: 0,
    /** How long a played check takes. */
    pretending: Promise.resolve(),
    store: undefined as unknown as IdentityStore,
  }
  const accountOf = (name: string): Account => accounts.get(name) ?? { groups: [], attributes: {} }
  people.store = {
    name: 'people',
    async authenticate(name, password) {
      if (people.isDown) throw new Unavailable('identity people', 'down')
      asked.push(password.reveal())
      if (people.isSilent) throw new Unavailable('identity people', 'silence', { passwordSent: true })
      if (!passwords.has(name)) return { kind: 'unknown' }
      if (passwords.get(name) !== password.reveal()) return { kind: 'wrong', detail: 'wrong password' }
      return people.barred.has(name)
        ? { kind: 'barred', detail: 'disabled' }
        : { kind: 'right', account: accountOf(name) }
    },
    async lookup(name) {
      return passwords.has(name) ? { kind: 'right', account: accountOf(name) } : { kind: 'unknown' }
    },
    async confirm(name) {
      if (people.barred.has(name)) return { kind: 'barred', detail: 'disabled' }
      return passwords.has(name) ? { kind: 'right', account: accountOf(name) } : { kind: 'unknown' }
    },
    async pretend() {
      people.pretended += 1
      await people.pretending
    },
    async checkReady() {},
  }
  return people
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
