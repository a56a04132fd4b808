import { generateSync } from 'otplib'
import { onTestFinished } from 'vitest'
import { stateInMemory } from '../../src/cluster/local-state.ts'
import { type AddressPool, layoutsOf } from '../../src/domain/address-pool.ts'
import type { PendingChallenge } from '../../src/domain/challenge.ts'
import type { Enrolment } from '../../src/domain/enrolment.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { GraceRule } from '../../src/domain/grace.ts'
import type { IdentityProvider } from '../../src/domain/identity-provider.ts'
import { KeyRing } from '../../src/domain/key-ring.ts'
import type { LockoutRules } from '../../src/domain/lockout.ts'
import type { Log } from '../../src/domain/log.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import { foldName, parseLoginName } from '../../src/domain/login-name.ts'
import type { Network } from '../../src/domain/network.ts'
import type { Account } from '../../src/domain/person.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { SiteDays } from '../../src/domain/site-days.ts'
import { memoryStore } from '../../src/ephemeral/memory-store.ts'
import { candidates, type Member } from '../../src/identity/fan-out.ts'
import { attemptLimits, counterRules } from '../../src/limits/attempt-limits.ts'
import { memoryCounter } from '../../src/limits/memory-counter.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { Approvals } from '../../src/login/approvals.ts'
import { DirectoryGuard, type WrongPasswords } from '../../src/login/directory-guard.ts'
import { type EnrolmentCode, EnrolmentCodes } from '../../src/login/enrolment-codes.ts'
import type { Decision } from '../../src/login/flow.ts'
import { LoginFlow, PORTAL, type SignInDecision } from '../../src/login/flow.ts'
import { GrantReplayCache, type RecentGrant } from '../../src/login/grant-replay.ts'
import { KnownAddresses } from '../../src/login/known-addresses.ts'
import type { LoginSettings } from '../../src/login/login.ts'
import { Quotas } from '../../src/login/quotas.ts'
import { RepeatedEvents } from '../../src/login/repeated-events.ts'
import type { SecondFactorMode } from '../../src/login/split-password-and-code.ts'
import { UnansweredPrompts } from '../../src/login/unanswered-prompts.ts'
import { Withdrawals } from '../../src/login/withdrawals.ts'
import { explain, type Supposed } from '../../src/manage/explain.ts'
import { ResponseTimeEqualizer } from '../../src/pacing/response-time-equalizer.ts'
import { describeGrant, grantFault } from '../../src/radius/check-grant.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { TABLES } from '../../src/store/tables.ts'
import { openInMemory } from '../store/in-memory.ts'

const TABLE_NAMES = Object.keys(TABLES) as (keyof typeof TABLES)[]
const START = Date.UTC(2026, 0, 1)
/** Of every authenticator. */
export const SEED = new Secret(Buffer.from('twenty octets of it!'))

export interface LoginFixtureOptions {
  readonly mode?: SecondFactorMode
  readonly required?: boolean
  readonly rules?: Partial<LockoutRules>
  readonly userRate?: number
  readonly addressRate?: number
  readonly policies?: readonly Policy[]
  readonly pools?: readonly AddressPool[]
  readonly exempt?: readonly Network[]
  /** Milliseconds; the same answer is not given again where it is absent. */
  readonly sameAnswerWithinMs?: number
  /** One store, with the same people, for each of these realms; absent: one for all names. */
  readonly realms?: readonly string[]
  /** Whether users enrol in the midst of a login. */
  readonly enrolsAtLogin?: boolean
  readonly grace?: GraceRule
  /** Whether a password alone lets users enrol; true where it is absent. */
  readonly enrolsByPassword?: boolean
  /** Whether users approve logins with a passkey. */
  readonly approves?: boolean
}

/**
 * The login flow on real records, limits and challenges, with a clock that the test moves and an identity store that
 * records every password that it checks.
 */
export async function createLoginFixture(options: LoginFixtureOptions = {}) {
  // In this thread: the store's own thread takes longer to start than any of these tests.
  const { database, db } = await openInMemory()
  onTestFinished(() => database.close())
  const records = sqlRepositories(db, { random: systemRandom })
  await syncPools(records.leases, (options.pools ?? []).flatMap(layoutsOf))
  const time = { now: START, monotonic: 0 }
  const clock = { now: () => time.now, monotonic: () => time.monotonic }
  const keys = new KeyRing([{ id: 'test', key: new Secret(systemRandom.bytes(32)) }], systemRandom)
  const people = peopleWho()
  const challenges = memoryStore<PendingChallenge>({ name: 'challenges', clock, capacity: 1000 })
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
    memoryStore<EnrolmentCode>({ name: 'enrolment codes', clock, capacity: 100 }),
    systemRandom,
  )
  const enrolAtLogin = options.enrolsAtLogin
    ? { mayEnrol: () => true, page: 'https://vpn.example/enrol', codes: enrolmentCodes }
    : undefined
  const { open } = stateInMemory(clock)
  const hasPasskey = async (subject: string) => (await records.passkeys.list(subject)).length > 0
  const endings = memoryStore<string>({ name: 'endings', clock, capacity: 10 })
  const recent = memoryStore<RecentGrant>({ name: 'recent grants', clock, capacity: 2 })
  const withinMs = options.sameAnswerWithinMs
  const grantReplay =
    withinMs === undefined
      ? undefined
      : new GrantReplayCache({ recent, withinMs, keys, clock, window: 1, log: silentLog })
  const limits = attemptLimits(
    memoryCounter(
      counterRules({
        rates: {
          user: { ...rate, points: options.userRate ?? rate.points },
          address: { ...rate, points: options.addressRate ?? rate.points },
          gateway: rate,
        },
        lockout: rules,
        inFlightMs: 10_000,
      }),
      { clock },
    ),
    new ProcessId(systemRandom),
  )
  /** What is told once and not each time. */
  const tallied = new Set<string>()
  const repeatedEvents = new RepeatedEvents({
    tally: {
      async add(key) {
        tallied.add(key)
        return limits.tally.add(key)
      },
      end: (key) => limits.tally.end(key),
    },
    audit: records.audit,
    windowMs: rate.windowMs,
    clock,
    random: systemRandom,
    log: silentLog,
  })
  const withdrawals = new Withdrawals({ records: records.login, clock, random: systemRandom, log: silentLog })
  onTestFinished(() => withdrawals.stop())
  const entered: string[] = []
  const late: string[] = []
  const equalizer = new ResponseTimeEqualizer(clock, systemRandom)
  const approvals = new Approvals({ open, ttlMs: 120_000, clock, random: systemRandom })
  const page = 'https://vpn.example/approve'
  const settings: LoginSettings = {
    lockoutRules: rules,
    exempt: options.exempt ?? [],
    mode,
    secondFactorRequired: options.required ?? true,
    hasRole: (groups) => groups.includes('admins'),
    tries: 3,
    totpWindow: { window: 1, resync: 10 },
    challengeTtlMs: 120_000,
    enrolsByPassword: options.enrolsByPassword ?? true,
    enrolAtLogin,
    approval: options.approves ? { page } : undefined,
    grace: options.grace && { rule: options.grace, page: 'https://vpn.example' },
    policies: options.policies ?? [{ name: 'everyone', when: {}, reply: { routes: ['10.0.0.0/8'] } }],
    pools: options.pools ?? [],
    replyFault: grantFault,
    classFormOf: () => 'semicolon',
  }
  const quotas = new Quotas({
    usage: records.usage,
    policies: options.policies ?? [],
    days: new SiteDays('UTC'),
    clock,
  })
  const flow = new LoginFlow({
    ...settings,
    hasPasskey,
    limits,
    records: records.login,
    audit: records.audit,
    withdrawals,
    knownAddresses: new KnownAddresses(records.login, clock),
    quotas,
    challenges,
    repeatedEvents,
    unansweredPrompts: new UnansweredPrompts({
      challenges,
      repeatedEvents,
      clock,
      random: systemRandom,
      log: silentLog,
    }),
    invitations: records.invitations,
    enrolmentCodes,
    endings,
    candidates: (name) => candidates(members(), name),
    directoryGuard: new DirectoryGuard({
      limits,
      records: records.login,
      wrongPasswords: memoryStore<WrongPasswords>({ name: 'wrong passwords', clock, capacity: 100 }),
      keys,
      clock,
      log: silentLog,
    }),
    keys,
    passwordHashes: {
      hash: async (password) => `hash of ${password.reveal()}`,
      verify: async (hash, password) => hash === `hash of ${password.reveal()}`,
    },
    enrolAtLogin,
    approval: options.approves ? { page, approvals } : undefined,
    grantReplay,
    equalizer,
    onStep: (step) => entered.push(step),
    onLate: (step) => late.push(step),
    clock,
    random: systemRandom,
    log: silentLog,
  })

  return {
    db,
    records,
    challenges,
    limits,
    approvals,
    open,
    clock,
    endings,
    keys,
    people,
    tallied,
    late,
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
        driftMs: 0,
        createdAt: time.now,
        ...shape,
      }
      await records.enrolments.replace({ enrolment, recoveryHashes })
      return enrolment
    },
    /** One more authenticator. */
    async enrolAnother(subject: string, seed: Secret, more: Partial<Enrolment> = {}): Promise<Enrolment> {
      const enrolment: Enrolment = {
        id: systemRandom.id(),
        subject,
        sealedSeed: keys.seal(seed, subject),
        lastStep: -1,
        driftMs: 0,
        createdAt: time.now,
        digits: 6,
        period: 30,
        algorithm: 'sha1',
        ...more,
      }
      await records.enrolments.add({ enrolment, recoveryHashes: [] })
      return enrolment
    },
    /** The code of this moment, or of `steps` later. */
    code: (steps = 0, digits: 6 | 8 = 6, seed = SEED) =>
      generateSync({ secret: seed.bytes(), digits, epoch: Math.floor(time.now / 1000) + steps * 30 }),
    /** The names of the steps that were entered since it was asked for last. */
    entered: () => entered.splice(0),
    /** A login at a gateway. */
    login: (typed: string, more: AttemptParts = {}): Promise<Decision> =>
      flow.atGateway(attemptOf(typed, more)),
    /** A sign-in at the portal, by an enrolment code or an invitation. */
    enter: (typed: string, more: AttemptParts = {}): Promise<SignInDecision> =>
      flow.withTicket(attemptOf(typed, { gateway: PORTAL, ...more })),
    /** What a login of the user would come to. */
    async explain({ user = 'bob', ...about }: Partial<Supposed>) {
      const answer = await explain(
        { user, ...about },
        {
          settings,
          quotas,
          hasPasskey,
          candidates: (name) => candidates(members(), name),
          reads: records.login,
          register: records.enrolments,
          lockouts: records.lockouts,
          sessions: records.sessions,
          leases: records.leases,
          gateways: ['gw1'],
          describeReply: describeGrant,
          clock,
          random: systemRandom,
          patienceMs: 5000,
        },
      )
      if ('wrong' in answer) throw new Error(`wrong: ${answer.wrong}`)
      return answer
    },
    /** Every row of every table. */
    dump: () => Promise.all(TABLE_NAMES.map((table) => db.selectFrom(table).selectAll().execute())),
    /** The same with a password, or with a code under the State of a challenge. */
    signIn: (typed: string, more: AttemptParts = {}): Promise<SignInDecision> =>
      flow.atPortal(attemptOf(typed, { gateway: PORTAL, ...more })),
    /** Bob, who is signed in, shows a code once more. */
    showAgain: (typed: string): Promise<SignInDecision> =>
      flow.stepUp(attemptOf(typed, { gateway: PORTAL }), {
        subject: 'bob',
        source: 'test',
        groups: [],
        attributes: {},
      }),
  }

  function attemptOf(typed: string, { user = 'bob', ...more }: AttemptParts): LoginAttempt {
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

type AttemptParts = Partial<LoginAttempt> & { readonly user?: string }

export type LoginFixture = Awaited<ReturnType<typeof createLoginFixture>>

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
    /** How many dummy checks ran. */
    pretended: 0,
    /** Resolves when a dummy check may end. */
    pretending: Promise.resolve(),
    store: undefined as unknown as IdentityProvider,
  }
  const accountOf = (name: string): Account => accounts.get(name) ?? { groups: [], attributes: {} }
  people.store = {
    name: 'people',
    async authenticate(typed, password, _deadline, context) {
      const name = foldName(typed)
      if (people.isDown) throw new Unavailable('identity people', 'down')
      // As a directory does, which finds the entry before it gets the password.
      if (passwords.has(name) && (await context?.identified?.(accountOf(name))) === false)
        return { kind: 'stopped' }
      asked.push(password.reveal())
      if (people.isSilent) throw new Unavailable('identity people', 'silence', { passwordSent: true })
      if (!passwords.has(name)) return { kind: 'unknown' }
      if (passwords.get(name) !== password.reveal()) return { kind: 'wrong', detail: 'wrong password' }
      return people.barred.has(name)
        ? { kind: 'barred', detail: 'disabled' }
        : { kind: 'right', account: accountOf(name) }
    },
    async lookup(typed) {
      const name = foldName(typed)
      if (people.isDown) throw new Unavailable('identity people', 'down')
      if (!passwords.has(name)) return { kind: 'unknown' }
      const found = { name: accountOf(name).name }
      return people.barred.has(name)
        ? { kind: 'barred', detail: 'disabled', found }
        : { kind: 'right', account: accountOf(name), found }
    },
    async confirm(typed) {
      const name = foldName(typed)
      if (people.barred.has(name)) return { kind: 'barred', detail: 'disabled' }
      return passwords.has(name) ? { kind: 'right', account: accountOf(name) } : { kind: 'unknown' }
    },
    async verifyDummy() {
      people.pretended += 1
      await people.pretending
    },
    async checkReady() {},
  }
  return people
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
