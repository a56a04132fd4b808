import type { CodeClue } from './code-clue.ts'

/** What happened; stable names. */
export const AUDIT_KINDS = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'login.unavailable',
  'login.prompt_unanswered',
  'login.approved',
  'login.disowned',
  'login.wrong_number',
  'login.withdrawn',
  'quota.warned',
  'quota.spent',
  'quota.added',
  'address.shared',
  'address.released',
  'lockout.made',
  'lockout.released',
  'attempts.owned',
  'attempts.disowned',
  'user.added',
  'user.changed',
  'user.removed',
  'enrolment.made',
  'enrolment.revoked',
  'enrolments.exported',
  'invitation.made',
  'password_link.made',
  'recovery_codes.made',
  'passkey.enrolled',
  'passkey.renamed',
  'passkey.removed',
  'passkey.used',
  'passkey.refused',
  'trust.revoked',
  'token.made',
  'token.revoked',
  'session.end_ordered',
  'session.end_answered',
  'mail.failed',
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
  /** Only of users who are in one of these groups, as far as the records know; absent: of all. */
  readonly over?: readonly string[]
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

/**
 * Where an event stands in the order in which events became visible: nothing is ever added before one that was seen.
 * Identifiers cannot tell, as they are made before their events are written.
 */
export interface TrailPosition {
  readonly written: number
  readonly id: string
}

/** Before every event. */
export const TRAIL_START: TrailPosition = { written: Number.MIN_SAFE_INTEGER, id: '' }

export interface TailSearch extends Omit<AuditSearch, 'after' | 'order'> {
  readonly after: TrailPosition
  /** Leaves out events of these kinds, but for those at this gateway; of the next `limit` events then. */
  readonly except?: { readonly kinds: readonly AuditKind[]; readonly butAt: string }
}

export interface Tail {
  /** In the order in which they were written. */
  readonly events: readonly AuditEvent[]
  /** Nothing up to here is left to be found. */
  readonly end: TrailPosition
}

export interface AuditStore {
  append(event: AuditEvent): Promise<void>
  list(search: AuditSearch): Promise<readonly AuditEvent[]>
  /** @returns undefined if there is no such event, or no longer. */
  positionOf(id: string): Promise<TrailPosition | undefined>
  /** The next events after a position. No event is ever added before one that was found. */
  tail(search: TailSearch): Promise<Tail>
}

/** How much an event of a kind matters, as the severities of RFC 5424 §6.2.1 that are used here. */
export type Severity = 'error' | 'warning' | 'notice' | 'info'

export function severityOf(kind: AuditKind): Severity {
  return SEVERITIES[kind] ?? 'info'
}

const SEVERITIES: { readonly [Kind in AuditKind]?: Severity } = {
  'login.unavailable': 'error',
  'login.withdrawn': 'warning',
  'lockout.made': 'warning',
  'attempts.disowned': 'warning',
  'login.refused': 'notice',
  'login.prompt_unanswered': 'notice',
  'login.disowned': 'warning',
  'login.wrong_number': 'warning',
  'quota.spent': 'notice',
  'quota.added': 'notice',
  'lockout.released': 'notice',
  'attempts.owned': 'notice',
  'user.added': 'notice',
  'user.changed': 'notice',
  'user.removed': 'notice',
  'enrolment.made': 'notice',
  'enrolment.revoked': 'notice',
  'enrolments.exported': 'warning',
  'invitation.made': 'notice',
  'password_link.made': 'notice',
  'recovery_codes.made': 'notice',
  'passkey.enrolled': 'notice',
  'passkey.removed': 'notice',
  'passkey.refused': 'notice',
  'trust.revoked': 'notice',
  'token.made': 'notice',
  'token.revoked': 'notice',
  'session.end_ordered': 'notice',
  'mail.failed': 'warning',
}
