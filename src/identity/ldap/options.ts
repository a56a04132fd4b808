import type { ProviderContext } from '../../schema/provider-type.ts'
import type { LdapSettings } from './provider-type.ts'

/** An identity store over LDAP version 3 (RFC 4511): what the configuration says of it, and what it leaves at its defaults. */
export interface LdapOptions
  extends LdapSettings,
    Pick<ProviderContext, 'name' | 'clock' | 'random' | 'log'> {
  /** Milliseconds. */
  readonly deadlines?: {
    /** One authentication, all in all (4,000). */
    readonly wholeMs?: number
    /** A connection with TLS and the broker's own bind (1,000). */
    readonly connectMs?: number
    /** One search or bind (1,500). */
    readonly operationMs?: number
    /** Between two looks at a server that is down (2,000). */
    readonly retryDownMs?: number
  }
  readonly limits?: {
    /** Logins in hand at the same time; one more is refused at once (1,024). */
    readonly logins?: number
    /** Groups of one user; a user with more cannot log in (1,000). */
    readonly groups?: number
    /** How long a connection is kept without use (60,000), and in all (900,000). */
    readonly idleMs?: number
    readonly oldMs?: number
  }
  /** @returns why a reply attribute cannot carry the value. Such a value is left out. */
  readonly replyFault?: (name: string, value: string | number) => string | undefined
}
