import type { Target } from './open-connection.ts'
import type { AttributeNames, GroupSource } from './options.ts'

/** What the threads are given: plain data, with every default filled in. */
export interface DirectorySettings {
  /** The identity store's name. */
  readonly name: string
  readonly servers: readonly { readonly url: string; readonly target: Target }[]
  readonly tls: {
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  }
  /** Who the broker is in the directory; absent where it searches as nobody. */
  readonly service?: { readonly dn: string; readonly password: string }
  readonly users: {
    readonly base?: string
    readonly scope: 'base' | 'one' | 'sub'
    /** Absent where names are made by `bindTemplate` and the entry's own name finds it. */
    readonly filter?: string
    readonly bindTemplate?: string
  }
  readonly groups: {
    readonly sources: readonly GroupSource[]
    /** The broker's groups by a directory group's name or its distinguished name. */
    readonly map: Readonly<Record<string, readonly string[]>>
    readonly unmapped: 'drop' | 'cn'
    /** The attribute that holds a group's name. */
    readonly nameAttribute: string
    readonly most: number
  }
  readonly attributes: AttributeNames
  readonly isActiveDirectory: boolean
  /** Whether it matters when a password was changed. */
  readonly wantsStamp: boolean
  readonly deadlines: {
    readonly connectMs: number
    readonly operationMs: number
    readonly retryDownMs: number
  }
  readonly pools: {
    readonly searches: number
    readonly binds: number
    readonly waiting: number
    readonly idleMs: number
    readonly oldMs: number
  }
}
