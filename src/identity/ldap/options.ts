import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/log.ts'
import type { Randomness } from '../../domain/random.ts'
import type { Secret } from '../../domain/secret.ts'

/** An identity store over LDAP version 3 (RFC 4511). Times are milliseconds. */
export interface LdapOptions {
  /** The identity store's name, as in `identity.order`. */
  readonly name: string
  /** `ldap://host:port` or `ldaps://host:port`, the one that is preferred first. */
  readonly urls: readonly string[]
  /** Who the broker itself is; absent where it may search as nobody, or where users read their own entries. */
  readonly bindDn?: string
  readonly bindPassword?: Secret
  /** Where users are; needed unless `bindTemplate` is a distinguished name. */
  readonly userBase?: string
  /** How deep below `userBase` ('sub'). */
  readonly scope?: 'base' | 'one' | 'sub'
  /** Which entry is a user's, with `{user}` for the name: `(&(objectClass=person)(uid={user}))`. */
  readonly userFilter?: string
  /** In place of `userFilter`: attributes of which one holds the name (`uid`; in Active Directory see `ad`). */
  readonly userAttributes?: readonly string[]
  /** The name to bind with, without a search before: `uid={user},ou=people,dc=example` or `{user}@corp.example`. */
  readonly bindTemplate?: string
  readonly groups?: GroupOptions
  readonly attributes?: AttributeNames
  readonly tls?: {
    /** TLS on request on `ldap://` addresses (RFC 4511 §4.14). */
    readonly startTls?: boolean
    /** PEM; the authorities that are trusted, in place of the usual ones. Read again when it changes. */
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
    /** The name that the certificate must bear, where it is not the address's. */
    readonly serverName?: string
    /** 'TLSv1.2' */
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  }
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
  readonly pools?: {
    /** Threads that speak LDAP (2). */
    readonly threads?: number
    /** Connections to a server for searches, over all threads (16). */
    readonly searches?: number
    /** Connections to a server for users' passwords, over all threads (32). */
    readonly binds?: number
    /** Logins in hand at the same time, over all threads; one more is refused at once (1,024). */
    readonly logins?: number
    /** 60,000 */
    readonly idleMs?: number
    /** 900,000 */
    readonly oldMs?: number
  }
  /** Present where the directory is Active Directory. */
  readonly ad?: {
    /** Suffixes of userPrincipalName: `corp.example` lets `bob` be found as `bob@corp.example`. */
    readonly upnSuffixes?: readonly string[]
    /** Whether users with the right password are told why they may not log in: expired, disabled … (false) */
    readonly tellState?: boolean
  }
  /** Keeps the broker from locking accounts in the directory. Always there for Active Directory. */
  readonly shield?: ShieldSettings
  /** @returns why a reply attribute cannot carry the value. Such a value is left out. */
  readonly replyFault?: (name: string, value: string | number) => string | undefined
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
}

interface ShieldSettings {
  /** Wrong passwords at which the directory locks an account; absent where it never does. */
  readonly threshold?: number
  /** For how long the directory counts a wrong password (1,800,000). */
  readonly windowMs?: number
  /** How long the directory keeps an account locked; 0 is until an administrator unlocks it. Absent: ask it. */
  readonly lockedMs?: number
  /** For how long the same wrong password is not sent again (300,000). */
  readonly repeatMs?: number
}

interface GroupOptions {
  readonly sources: readonly GroupSource[]
  /** Names or distinguished names of directory groups, and the broker's groups that they stand for. */
  readonly map?: Readonly<Record<string, string | readonly string[]>>
  /** What becomes of a group that the map does not have: 'drop', or 'cn' for its own name (without a map). */
  readonly unmapped?: 'drop' | 'cn'
  /** The attribute with a group's name ('cn'). */
  readonly nameAttribute?: string
  /** Groups of one user; a user with more cannot log in (1,000). */
  readonly most?: number
}

/** Where a user's groups are found. */
export type GroupSource =
  /** In the user's entry ('memberOf'). */
  | { readonly kind: 'memberOf'; readonly attribute?: string }
  /** Groups that list the user: groupOfNames by `member`, groupOfUniqueNames by `uniqueMember`, or by a filter. */
  | {
      readonly kind: 'members'
      readonly base: string
      readonly scope?: 'one' | 'sub'
      /** With `{dn}`, `{user}`, `{uid}` or `{gid}`. */
      readonly filter?: string
    }
  /** posixGroup: by `memberUid`, and by the user's own `gidNumber`. */
  | { readonly kind: 'posix'; readonly base: string; readonly scope?: 'one' | 'sub' }
  /** Active Directory: groups of groups too (matching rule 1.2.840.113556.1.4.1941). */
  | { readonly kind: 'nested'; readonly base: string; readonly scope?: 'one' | 'sub' }

/** LDAP attributes by what they give. */
export interface AttributeNames {
  /** An address, or a 32-bit integer, signed or not, as Active Directory keeps it in msRADIUSFramedIPAddress. */
  readonly ipv4?: string
  readonly ipv6?: string
  /** Networks; what stands behind a blank, such as a router and a metric, does not count. */
  readonly routes?: string
  readonly dns?: string
  /** By the dictionary's name of the reply attribute. */
  readonly reply?: Readonly<Record<string, string>>
}
