import type { Repositories } from '../repositories.ts'

/** The path of a database that lives in memory and ends with its thread. */
export const IN_MEMORY = ':memory:'

/** What the thread is told to open. */
export interface StoreFile {
  readonly path: string
  /** A thread that only reads leaves checks and migrations to the one that writes. */
  readonly readOnly: boolean
  /** Milliseconds to wait for another process that is writing. */
  readonly busyMs: number
}

/** `start`: a read that every start makes, so that it needs no thread of its own. */
export type Access = 'read' | 'start' | 'write'

/** What the thread with the file answers to. */
export interface Services extends Repositories {
  readonly storage: {
    /** Resolves where the file can be written now. */
    check(): Promise<void>
  }
}

type AccessOfEach = {
  readonly [Noun in keyof Services]: { readonly [Method in keyof Services[Noun]]: Access }
}

/** What each method does to the file. The type makes it complete. */
export const ACCESS: AccessOfEach = {
  users: {
    find: 'read',
    list: 'read',
    ending: 'read',
    add: 'write',
    change: 'write',
    applyList: 'write',
    ownersOf: 'read',
    renewPasswordHash: 'write',
    remove: 'write',
  },
  enrolments: {
    ofSubject: 'read',
    registeredOf: 'read',
    list: 'read',
    replace: 'write',
    add: 'write',
    takeOver: 'write',
    rename: 'write',
    revoke: 'write',
    recoveryCodesLeft: 'read',
    renewRecoveryCodes: 'write',
    keysInUse: 'start',
  },
  passkeys: {
    list: 'read',
    find: 'read',
    findByCredential: 'read',
    countByRpId: 'read',
    add: 'write',
    claim: 'write',
    rename: 'write',
    remove: 'write',
    removeAllOf: 'write',
  },
  lockouts: {
    list: 'read',
    find: 'read',
    countInForce: 'read',
    countByHint: 'read',
    lock: 'write',
    releaseAll: 'write',
    release: 'write',
    releaseUser: 'write',
  },
  sessions: { record: 'write', crowd: 'read', list: 'read', find: 'read', standing: 'read' },
  usage: { list: 'read', spent: 'read', add: 'write' },
  leases: {
    find: 'read',
    page: 'read',
    usage: 'read',
    add: 'write',
    assign: 'write',
    reserve: 'write',
    tidy: 'write',
    reap: 'write',
    release: 'write',
  },
  attempts: { tally: 'read', failingNetworks: 'read', letInFrom: 'read' },
  names: { list: 'read' },
  people: { list: 'read', rollOut: 'read' },
  rollOut: { standingsOf: 'read' },
  accountGroups: { note: 'write', areAllIn: 'read' },
  audit: { append: 'write', list: 'read', positionOf: 'read', tail: 'read' },
  sinks: {
    list: 'read',
    take: 'write',
    advance: 'write',
    fail: 'write',
    release: 'write',
    waiting: 'read',
  },
  census: { take: 'read' },
  login: {
    view: 'read',
    findTrust: 'read',
    graceOf: 'read',
    isKnownAddress: 'read',
    admit: 'write',
    foresee: 'read',
    withdraw: 'write',
    recordFailure: 'write',
    viewDirectory: 'read',
    lockDirectory: 'write',
    endDirectory: 'write',
  },
  gateways: { signing: 'start', remember: 'write', noteUnsigned: 'write', forget: 'write' },
  tokens: { add: 'write', findByHash: 'read', list: 'read', revoke: 'write', noteUse: 'write' },
  invitations: { put: 'write', redeem: 'write', endOf: 'read', revoke: 'write' },
  passwordLinks: { put: 'write', find: 'read', ofUser: 'read', redeem: 'write' },
  mails: {
    add: 'write',
    madeSince: 'read',
    take: 'write',
    sent: 'write',
    postpone: 'write',
    giveUp: 'write',
    list: 'read',
    queue: 'read',
  },
  orders: {
    write: 'write',
    open: 'read',
    list: 'read',
    noteSent: 'write',
    close: 'write',
    claim: 'write',
    giveUp: 'write',
  },
  trusts: { list: 'read', revoke: 'write', revokeAllOf: 'write' },
  agents: {
    list: 'read',
    note: 'write',
    forget: 'write',
    watched: 'read',
    see: 'write',
    miss: 'write',
    reopen: 'write',
    end: 'write',
  },
  brokers: { list: 'read', note: 'write', remove: 'write', forget: 'write', time: 'read' },
  traffic: { add: 'write', list: 'read' },
  retention: { prune: 'write' },
  storage: { check: 'write' },
}
