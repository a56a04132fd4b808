/** What happened, by stable name. */
export const AUDIT_KINDS = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'login.unavailable',
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
  'token.made',
  'token.revoked',
] as const

export type AuditKind = (typeof AUDIT_KINDS)[number]

/** One line of the audit trail. Holds no secret. */
export interface AuditEvent {
  readonly id: string
  /** Wall milliseconds. */
  readonly at: number
  readonly kind: AuditKind
  /** Who did it, where that is not the user: an operator's account, a token's name. */
  readonly actor?: string
  readonly user?: string
  readonly address?: string
  readonly gateway?: string
  /** A `RefusalReason` or another stable word. */
  readonly reason?: string
  /** For people, one line. */
  readonly detail?: string
}

export interface AuditFilter {
  readonly user?: string
  readonly kind?: AuditKind
  readonly since?: number
  readonly before?: number
  /** Identifier of the last event of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface AuditStore {
  append(event: AuditEvent): Promise<void>
  /** Newest first. */
  list(filter: AuditFilter): Promise<readonly AuditEvent[]>
}
