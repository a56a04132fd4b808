import { ANY_NUMBER, type GraceLeft, type GraceRule, graceLeft } from '../domain/grace.ts'
import type { CodeUse } from '../domain/login-records.ts'
import type { Login } from './login.ts'
import type { GovernedUser } from './steps/find-policy.ts'

/** What users without an authenticator are let in by, at a gateway alone. */
export interface Grace {
  readonly rule: GraceRule
  /** Where an authenticator is enrolled, as `https://vpn.example`; absent: the prompt sends to the administrator. */
  readonly page?: string
}

/** What is left to this user, and what a login by it must spend. */
export interface OpenGrace {
  readonly left: GraceLeft
  readonly use: CodeUse
}

/**
 * Nobody who has a role at the desk, by no policy that says otherwise, and never where the password was not checked.
 * @returns undefined where the user is not let in by grace.
 */
export async function findGrace(
  { enrolled, choice: { policy } }: GovernedUser,
  { rules, options, isPasswordRight }: Login,
): Promise<OpenGrace | undefined> {
  const { grace } = rules
  const { person } = enrolled.verified
  if (grace === undefined || !rules.secondFactorRequired || !isPasswordRight) return undefined
  if (policy?.reply === undefined || policy.grace === false || policy.needsFreshFactor === true)
    return undefined
  if (enrolled.enrolments.length > 0 || options.hasRole(person.groups)) return undefined
  const { records, clock } = options
  const { subject } = person
  const now = clock.now()
  const left = graceLeft(grace.rule, await records.graceOf({ subject, now }), now)
  if (left === undefined) return undefined
  const most = grace.rule.kind === 'logins' ? grace.rule.most : ANY_NUMBER
  return { left, use: { kind: 'grace', subject, most, left } }
}

/** What a client sends where its user pressed Enter; some send nothing that is empty. */
export function isEnter(typed: string): boolean {
  return ['', '0'].includes(typed.trim())
}
