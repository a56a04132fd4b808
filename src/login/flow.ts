import type { LoginAttempt } from '../domain/login-attempt.ts'
import type { Person } from '../domain/person.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { AskForCode, Challenge } from './ask-for-code.ts'
import { Login, type LoginOptions, type LoginRules } from './login.ts'
import { authorize } from './steps/authorize.ts'
import { checkPasskey, findPasskeyOwner } from './steps/check-passkey.ts'
import { equalizeCost } from './steps/equalize-cost.ts'
import { explainCode } from './steps/explain-code.ts'
import { findPolicy } from './steps/find-policy.ts'
import { firstFactor, resumeSession } from './steps/first-factor.ts'
import { type Grant, openSession, replayGrant } from './steps/grant.ts'
import { holdAnswer } from './steps/hold-answer.ts'
import { holdToQuotas } from './steps/hold-to-quotas.ts'
import { loadContext } from './steps/load-context.ts'
import { loadEnrolment } from './steps/load-enrolment.ts'
import { recogniseClaims } from './steps/recognise-claims.ts'
import { recogniseTrust } from './steps/recognise-trust.ts'
import { recordOutage } from './steps/record-outage.ts'
import { recordOutcome } from './steps/record-outcome.ts'
import { redeemTicket } from './steps/redeem-ticket.ts'
import { secondFactor, secondFactorByPolicy, secondFactorOfProvider } from './steps/second-factor.ts'
import { type SignedIn, signIn } from './steps/sign-in.ts'
import { takeApproval } from './steps/take-approval.ts'
import { takePermit } from './steps/take-permit.ts'
import type { VerifiedClaims } from './verified-claims.ts'

const X = true
const _ = false

/**
 * The way of every login, in order. Each step takes what the one above it in the same column yields. It either yields
 * the one value that the next step takes, or ends the login by a refusal or by asking for a code.
 */
// biome-ignore format: a table
export const STEPS = [
  //                       VPN  portal  ticket  step-up  single sign-on  passkey
  [takePermit,             X,    X,      X,      X,     X,               X],
  [loadContext,            X,    X,      X,      X,     X,               X],
  [firstFactor,            X,    X,      _,      _,     _,               _],
  [redeemTicket,           _,    _,      X,      _,     _,               _],
  [resumeSession,          _,    _,      _,      X,     _,               _],
  [recogniseClaims,        _,    _,      _,      _,     X,               _],
  [checkPasskey,           _,    _,      _,      _,     _,               X],
  [findPasskeyOwner,       _,    _,      _,      _,     _,               X],
  [loadEnrolment,          X,    X,      _,      X,     X,               _],
  [findPolicy,             X,    _,      _,      _,     _,               _],
  [recogniseTrust,         X,    _,      _,      _,     _,               _],
  [takeApproval,           X,    _,      _,      _,     _,               _],
  [secondFactorByPolicy,   X,    _,      _,      _,     _,               _],
  [secondFactor,           _,    X,      _,      X,     _,               _],
  [secondFactorOfProvider, _,    _,      _,      _,     X,               _],
  [authorize,              X,    _,      _,      _,     _,               _],
  [holdToQuotas,           X,    _,      _,      _,     _,               _],
  [openSession,            X,    _,      _,      _,     _,               _],
  [signIn,                 _,    X,      X,      X,     X,               X],
] as const

/** What every verdict passes before it is answered, once points have been taken for the attempt. */
// biome-ignore format: a table
export const ENDINGS = [
  [equalizeCost,           X,    X,      X,      X,     X,               X],
  [explainCode,            X,    X,      _,      X,     _,               _],
  [replayGrant,            X,    _,      _,      _,     _,               _],
  [recordOutcome,          X,    X,      X,      X,     X,               X],
  [holdAnswer,             X,    X,      X,      X,     X,               X],
] as const

/**
 * A login at a gateway; a sign-in at the portal; one with an enrolment ticket; a code shown once more while signed in; a
 * sign-in through the provider of the single sign-on; the answer of a passkey, to sign in or for a step-up.
 */
export const COLUMNS = { vpn: 1, portal: 2, ticket: 3, stepUp: 4, signOn: 5, passkey: 6 } as const

export type LoginKind = keyof typeof COLUMNS

/** The name that stands for a gateway's where the broker's own pages ask: in limits, challenges and the audit trail. */
export const PORTAL = 'portal'

/** The answer to a gateway. */
export type Decision = Grant | Challenge | Refusal

/** The answer to the portal. */
export type SignInDecision = SignedIn | Challenge | Refusal

/** Takes logins of every kind through the steps. A login that is handed in enters each step of its column once. */
export class LoginFlow {
  readonly #options: LoginOptions
  readonly #vpn: Column<'vpn'>
  readonly #portal: Column<'portal'>
  readonly #ticket: Column<'ticket'>
  readonly #stepUp: Column<'stepUp'>
  readonly #signOn: Column<'signOn'>
  readonly #passkey: Column<'passkey'>

  constructor(options: LoginOptions) {
    this.#options = options
    const checksPasswords = options.mode !== 'only'
    this.#vpn = column('vpn', {
      mode: options.mode,
      secondFactorRequired: options.secondFactorRequired,
      enrolAtLogin: options.enrolAtLogin,
      grace: options.grace,
      anyGateway: false,
      checksPasswords,
      prefetches: checksPasswords,
    })
    // A page can always ask for the code separately, so the mode is `challenge` whatever the gateways' is.
    const atPortal = { mode: 'challenge', anyGateway: true, prefetches: false } as const
    // Signed in without a code, a user may enrol the first authenticator and do nothing else.
    const secondFactorRequired = !options.enrolsByPassword
    this.#portal = column('portal', { ...atPortal, secondFactorRequired, checksPasswords: true })
    this.#ticket = column('ticket', { ...atPortal, secondFactorRequired: false, checksPasswords: false })
    this.#stepUp = column('stepUp', { ...atPortal, secondFactorRequired: true, checksPasswords: false })
    this.#signOn = column('signOn', { ...atPortal, secondFactorRequired, checksPasswords: false })
    this.#passkey = column('passkey', {
      ...atPortal,
      secondFactorRequired: true,
      checksPasswords: false,
      isUnguessable: true,
    })
  }

  /** A login at a gateway. */
  atGateway(attempt: LoginAttempt): Promise<Decision> {
    return walk(this.#vpn, new Login(attempt, this.#vpn.rules, this.#options))
  }

  /** A sign-in at the broker's own pages. @param attempt its gateway is `PORTAL`. */
  atPortal(attempt: LoginAttempt): Promise<SignInDecision> {
    return walk(this.#portal, new Login(attempt, this.#portal.rules, this.#options))
  }

  /**
   * A sign-in that may only enrol an authenticator, with the short code of a VPN prompt or an administrator's
   * invitation. A wrong code counts as a wrong password does. @param attempt what was typed is the code.
   */
  withTicket(attempt: LoginAttempt): Promise<SignInDecision> {
    return walk(this.#ticket, new Login(attempt, this.#ticket.rules, this.#options))
  }

  /**
   * A user who is signed in shows a code or a recovery code once more, before a change that needs it.
   * @param attempt what was typed is the code.
   */
  stepUp(attempt: LoginAttempt, signedInAs: Person): Promise<SignInDecision> {
    return walk(this.#stepUp, new Login(attempt, this.#stepUp.rules, this.#options, { signedInAs }))
  }

  /** A sign-in through the provider of the single sign-on. @param attempt has the name of the claims; nothing was typed. */
  bySignOn(attempt: LoginAttempt, claims: VerifiedClaims): Promise<SignInDecision> {
    return walk(this.#signOn, new Login(attempt, this.#signOn.rules, this.#options, { claims }))
  }

  /**
   * A sign-in by passkey, or a step-up of a user who is signed in.
   * @param attempt what was typed is the answer of the passkey, in JSON; the name is that of its owner.
   */
  withPasskey(attempt: LoginAttempt, signedInAs?: Person): Promise<SignInDecision> {
    return walk(this.#passkey, new Login(attempt, this.#passkey.rules, this.#options, { signedInAs }))
  }
}

type Step = (value: unknown, login: Login) => unknown
type Row = readonly [
  (value: never, login: Login) => unknown,
  boolean,
  boolean,
  boolean,
  boolean,
  boolean,
  boolean,
]

interface Column<Kind extends LoginKind> {
  readonly kind: Kind
  readonly rules: LoginRules
  readonly steps: readonly Step[]
  readonly endings: readonly Step[]
}

function column<Kind extends LoginKind>(kind: Kind, rules: LoginRules): Column<Kind> {
  const taken = (rows: readonly Row[]) =>
    rows.filter((row) => row[COLUMNS[kind]]).map(([step]) => step as Step)
  return { kind, rules, steps: taken(STEPS), endings: taken(ENDINGS) }
}

/**
 * What the last step of a column yields, checked by the compiler: where a step would not get what it takes, the result is
 * neither a grant nor a sign-in.
 */
export type Yield<Rows, Kind extends LoginKind, Value> = Rows extends readonly [
  infer First extends Row,
  ...infer Rest,
]
  ? First[(typeof COLUMNS)[Kind]] extends true
    ? Value extends Parameters<First[0]>[0]
      ? Yield<Rest, Kind, Exclude<Awaited<ReturnType<First[0]>>, Refusal | AskForCode>>
      : { readonly step: First[0]; readonly takes: Parameters<First[0]>[0]; readonly gets: Value }
    : Yield<Rest, Kind, Value>
  : Value

/** An outage in any step is caught here. It is never an accepted login and never a failed guess. */
async function walk<Kind extends LoginKind>(
  { steps, endings }: Column<Kind>,
  login: Login,
): Promise<Yield<typeof STEPS, Kind, LoginAttempt> | Challenge | Refusal> {
  const { onStep, clock } = login.options
  const { trace } = login
  let value: unknown = login.attempt
  let entered = ''
  try {
    for (const step of steps) {
      entered = step.name
      onStep?.(entered)
      trace.enter(entered)
      const result = step(value, login)
      value = result instanceof Promise ? await result : result
      const now = clock.monotonic()
      trace.leave(now, aboutStep(entered, login))
      login.tellIfLate(entered, now)
      if (isEnd(value)) break
    }
    // Above a rate limit nothing was checked: there is nothing to hide and nothing to count.
    for (const step of login.permit === undefined ? [] : endings) {
      entered = step.name
      onStep?.(entered)
      trace.enter(entered)
      const result = step(value, login)
      value = result instanceof Promise ? await result : result
      const now = clock.monotonic()
      trace.leave(now)
      login.tellIfLate(entered, now)
    }
    return value as Yield<typeof STEPS, Kind, LoginAttempt>
  } catch (outage) {
    login.tellIfLate(entered, clock.monotonic())
    return recordOutage(outage, login)
  }
}

/** What a step was about, for `explain --attempt`. */
function aboutStep(step: string, { candidates, attempt, rules, account }: Login): string | undefined {
  if (step === loadContext.name) return candidates.map(({ store }) => store.name).join(' ')
  if (step !== firstFactor.name) return undefined
  const typed = attempt.state !== undefined ? 'answer' : rules.mode === 'only' ? 'code' : 'password'
  return account === undefined ? typed : `${typed} ${account.source}`
}

function isEnd(value: unknown): boolean {
  const { kind } = value as { readonly kind: string }
  return kind === 'refusal' || kind === 'ask'
}
