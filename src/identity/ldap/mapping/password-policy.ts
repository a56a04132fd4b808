import type { PasswordNotice } from '../../../domain/account-state.ts'
import type { Barred } from '../../../domain/identity-provider.ts'
import { elementsOf } from '../wire/ber-elements.ts'
import type { Result } from '../wire/response-reader.ts'
import { lockedInDirectory, SOON_S, state } from './account-states.ts'

/** The control of draft-behera-ldap-password-policy §6, asked for with each bind. */
const POLICY = '1.3.6.1.4.1.42.2.27.8.5.1'
/** Those of 389 Directory Server and others, which come unasked (draft-vchu-ldap-pwd-policy §2). */
const EXPIRED = '2.16.840.1.113730.3.4.4'
const EXPIRING = '2.16.840.1.113730.3.4.5'

export interface PolicyAnswer {
  readonly barred?: Barred
  readonly notice?: PasswordNotice
}

/** What a bind’s answer says of the password and the account, beside its result code. */
export function policyAnswer({ code, controls }: Result): PolicyAnswer {
  const { error, grace, expiresIn } = behera(controls.get(POLICY))
  const isRight = code === 0
  if (error === 'accountLocked') return { barred: lockedInDirectory }
  if (error === 'changeAfterReset') return { barred: state('password_to_change') }
  if (error === 'passwordExpired') return { barred: state('password_expired') }
  if (grace !== undefined) return { notice: { kind: 'grace_logins', left: grace } }
  // With the right password: it was reset. Without: it has expired, which these servers say after the right one only.
  if (controls.has(EXPIRED)) return { barred: state(isRight ? 'password_to_change' : 'password_expired') }
  const seconds = expiresIn ?? numberIn(controls.get(EXPIRING))
  return seconds === undefined || seconds >= SOON_S ? {} : { notice: { kind: 'expiring', seconds } }
}

interface Behera {
  readonly error?: (typeof ERRORS)[number]
  readonly grace?: number
  readonly expiresIn?: number
}

const ERRORS = ['passwordExpired', 'accountLocked', 'changeAfterReset'] as const
const SEQUENCE = 0x30
const WARNING = 0xa0
const TIME_BEFORE_EXPIRATION = 0x80
const GRACE_LOGINS = 0x81
const ERROR = 0x81

/** PasswordPolicyResponseValue (draft-behera §6.2); what cannot be read says nothing. */
function behera(value: Buffer | undefined): Behera {
  const whole = value === undefined ? undefined : elementsOf(value)
  const [sequence] = whole ?? []
  if (sequence?.tag !== SEQUENCE) return {}
  let answer: Behera = {}
  for (const { tag, content } of elementsOf(sequence.content) ?? []) {
    if (tag === ERROR) answer = { ...answer, error: ERRORS[content[0] ?? ERRORS.length] }
    const [warning] = tag === WARNING ? (elementsOf(content) ?? []) : []
    const number = warning === undefined ? undefined : unsigned(warning.content)
    if (warning?.tag === TIME_BEFORE_EXPIRATION) answer = { ...answer, expiresIn: number }
    if (warning?.tag === GRACE_LOGINS) answer = { ...answer, grace: number }
  }
  return answer
}

/** INTEGER (0 .. maxInt). */
function unsigned(content: Buffer): number | undefined {
  const isOne = content.length >= 1 && content.length <= 5 && (content[0] ?? 0x80) < 0x80
  return isOne ? content.readUIntBE(0, content.length) : undefined
}

function numberIn(value: Buffer | undefined): number | undefined {
  const text = value?.toString('latin1') ?? ''
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}
