import { Unavailable } from '../../domain/person.ts'
import type { Records } from '../records.ts'

/** One call of a method of the records, as it crosses to another thread. */
export interface Call {
  readonly id: number
  readonly access: Access
  readonly noun: string
  readonly method: string
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }

/** An error as it crosses: a thread cannot hand over an object with its class. */
export type Failure =
  | { readonly kind: 'unavailable'; readonly what: string; readonly cause: string }
  | { readonly kind: 'error'; readonly message: string; readonly stack?: string }

/** What goes to the thread with the file. */
export type ToStore = { readonly kind: 'calls'; readonly calls: readonly Call[] } | { readonly kind: 'close' }

/** What comes from it: `ready` or `refused` first, then answers in any order. */
export type FromStore =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }

/** The path of a database that lives in memory and ends with its thread. */
export const IN_MEMORY = ':memory:'

/** What the thread is started with. */
export interface StoreFile {
  readonly path: string
  /** A thread that only reads leaves checks and migrations to the one that writes. */
  readonly readOnly: boolean
  /** Milliseconds to wait for another process that is writing. */
  readonly busyMs: number
}

export type Access = 'read' | 'write'

/** What the thread with the file answers to. */
export interface Served extends Records {
  readonly storage: {
    /** Resolves where the file can be written now. */
    check(): Promise<void>
  }
}

type AccessOfEach = {
  readonly [Noun in keyof Served]: { readonly [Method in keyof Served[Noun]]: Access }
}

/** What each method does to the file. The type makes it complete. */
export const ACCESS: AccessOfEach = {
  users: {
    find: 'read',
    list: 'read',
    add: 'write',
    change: 'write',
    renewPasswordHash: 'write',
    remove: 'write',
  },
  enrolments: {
    find: 'read',
    replace: 'write',
    revoke: 'write',
    recoveryCodesLeft: 'read',
    keysInUse: 'read',
  },
  lockouts: { list: 'read', releaseUser: 'write' },
  sessions: { record: 'write', list: 'read' },
  leases: {
    find: 'read',
    page: 'read',
    usage: 'read',
    add: 'write',
    assign: 'write',
    tidy: 'write',
    reap: 'write',
    release: 'write',
  },
  audit: { append: 'write', list: 'read' },
  login: { view: 'read', admit: 'write', recordFailure: 'write' },
  gateways: { authenticating: 'read', remember: 'write', forget: 'write' },
  lockoutDesk: { search: 'read', find: 'read', countInForce: 'read', lock: 'write', release: 'write' },
  auditTrail: { search: 'read', tally: 'read' },
  sessionDesk: { search: 'read', find: 'read' },
  enrolmentRegister: { list: 'read', find: 'read', renewRecoveryCodes: 'write' },
  tokens: { add: 'write', findByHash: 'read', list: 'read', revoke: 'write', noteUse: 'write' },
  invitations: { put: 'write', redeem: 'write' },
  retention: { prune: 'write' },
  storage: { check: 'write' },
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Unavailable) {
    return { kind: 'unavailable', what: error.what, cause: error.message.slice(`${error.what}: `.length) }
  }
  if (!(error instanceof Error)) return { kind: 'error', message: String(error) }
  return {
    kind: 'error',
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  }
}

export function errorOf(failure: Failure): Error {
  if (failure.kind === 'unavailable') return new Unavailable(failure.what, failure.cause)
  const error = new Error(failure.message)
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}
