import type { CodeClue } from './code-clue.ts'

/** What happened; stable names. */
export const AUDIT_KINDS = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'login.unavailable',
  'login.prompt_unanswered',
  'login.withdrawn',
  'quota.warned',
  'quota.spent',
  'quota.added',
  'address.shared',
  'address.released',
  'lockout.made',
  'lockout.released',
  'user.added',
  'user.changed',
  'user.removed',
  'enrolment.made',
  'enrolment.revoked',
  'invitation.made',
  'recovery_codes.made',
  'trust.revoked',
  'token.made',
  'token.revoked',
  'session.end_ordered',
  'session.end_answered',
] as const

export type AuditKind = (typeof AUDIT_KINDS)[number]

/** One line of the audit trail. Holds no secret. */
export interface AuditEvent {
  readonly id: string
  /** Wall milliseconds. */
  readonly at: number
  readonly kind: AuditKind
  /** Who did it, if not the user: an operator's account, a token's name. */
  readonly actor?: string
  readonly user?: string
  /** The whole name where it is another than `user`: the subject, or as it was typed, with the realm. */
  readonly name?: string
  readonly address?: string
  readonly gateway?: string
  /** A `RefusalReason` or another stable word. */
  readonly reason?: string
  /** For people, one line. */
  readonly detail?: string
  /** Of a wrong code. */
  readonly clue?: CodeClue
  /** How often it happened, where one event stands for several that would repeat it; absent: once. */
  readonly times?: number
  /** `LoginAttempt.id`. */
  readonly attempt?: string
  /** The steps of that login until the event was written; see `Trace`. */
  readonly steps?: string
}

export interface AuditSearch {
  readonly user?: string
  /** Of the user of this whole name; those of which no whole name is kept are found too. */
  readonly name?: string
  /** Of this attempt, or under this identifier. */
  readonly attempt?: string
  /** Or the `customerNetwork` of one, for all addresses in it. */
  readonly address?: string
  readonly gateway?: string
  readonly actor?: string
  /** Any of these. */
  readonly kinds?: readonly AuditKind[]
  readonly reason?: string
  /** At this moment or later, in wall milliseconds. */
  readonly since?: number
  readonly before?: number
  /** Absent: newest first. */
  readonly order?: 'newest' | 'oldest'
  /** Identifier of the last event of the page before. */
  readonly after?: string
  readonly limit: number
}

/** How often something of one kind happened in an interval of time. */
export interface AuditCount {
  /** Wall milliseconds at which the interval begins. */
  readonly at: number
  readonly kind: AuditKind
  readonly count: number
}

export interface AuditStore {
  append(event: AuditEvent): Promise<void>
  list(search: AuditSearch): Promise<readonly AuditEvent[]>
  /** Counts what events of these kinds stand for in intervals of `intervalMs`, from `since` to `before`; empty intervals are left out. */
  count(
    kinds: readonly AuditKind[],
    since: number,
    before: number,
    intervalMs: number,
  ): Promise<readonly AuditCount[]>
}
