import type { Trust } from '../../domain/trust.ts'
import type { Login } from '../login.ts'
import { trustableNetwork } from './recognise-trust.ts'
import type { QualifiedUser } from './second-factor.ts'

/** A trust that the records make with the login that earns it. */
export type NewTrust = Omit<Trust, 'id' | 'madeAt' | 'expiresAt' | 'usedAt' | 'uses'> & {
  readonly trustMs: number
}

/**
 * The trust that a login earns: one with the password and with a code of an authenticator that the user had before this
 * login. A recovery code stands on paper, a login that was trusted itself showed nothing new, and neither makes one.
 */
export function trustEarnedBy(
  { governed, authenticated }: QualifiedUser,
  login: Login,
): NewTrust | undefined {
  const { codeUse, person } = authenticated
  const { trustMs } = governed.choice.policy ?? {}
  const network = trustableNetwork(governed, login)
  if (codeUse.kind !== 'totp' || trustMs === undefined || network === undefined) return undefined
  const { subject, source, record } = person
  const { sealedPasswordHash } = governed.enrolled
  // Nothing would show that the password was changed.
  if (record === undefined && sealedPasswordHash === undefined) return undefined
  const { gateway } = login.attempt
  return {
    subject,
    source,
    network,
    enrolment: codeUse.enrolment,
    record,
    sealedPasswordHash,
    gateway,
    trustMs,
  }
}
