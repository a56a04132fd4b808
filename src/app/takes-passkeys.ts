import type { Config } from '../config/schema.ts'

/**
 * Whether a passkey is a second factor at every login: where one policy wants a code, a user who has only a passkey is
 * refused.
 */
export function takesPasskeys({ portal, secondFactor, policies }: Config): boolean {
  const modes = policies.flatMap(({ reply, secondFactorMode }) => (reply && secondFactorMode) ?? [])
  const takes = (mode: string) => mode === 'approve' || mode === 'either'
  return portal.passkeys !== undefined && [secondFactor.mode, ...modes].every(takes)
}
