import type { Network } from './network.ts'
import type { Secret } from './secret.ts'

/**
 * Whether a gateway's requests must carry Message-Authenticator. `auto`: from the first that proved to have one.
 */
export type MessageAuthenticatorRule = 'auto' | 'require' | 'off'

/** A VPN server that may ask. */
export interface Gateway {
  readonly name: string
  /** Where its packets come from. */
  readonly networks: readonly Network[]
  readonly secret: Secret
  readonly messageAuthenticator: MessageAuthenticatorRule
  /** What it is told when a login cannot be decided: a reject at once, or nothing, so that it asks another server. */
  readonly onOutage: 'reject' | 'silent'
}
