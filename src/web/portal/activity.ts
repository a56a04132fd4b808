import type { AuditEvent, AuditKind } from '../../domain/audit.ts'
import type { RefusalReason } from '../../domain/refusal.ts'
import type { OrderReason } from '../../domain/session-order.ts'
import type { MessageKey } from '../../i18n/messages.ts'

/** Events that users see of their own account. */
export const SHOWN_KINDS = [
  'login.accepted',
  'login.challenged',
  'login.refused',
  'login.unavailable',
  'login.approved',
  'login.disowned',
  'login.wrong_number',
  'lockout.made',
  'lockout.released',
  'attempts.owned',
  'attempts.disowned',
  'enrolment.made',
  'enrolment.revoked',
  'recovery_codes.made',
  'passkey.enrolled',
  'passkey.renamed',
  'passkey.removed',
  'passkey.refused',
  'trust.revoked',
  'invitation.made',
  'password_link.made',
  'user.changed',
  'quota.warned',
  'quota.spent',
  'session.end_ordered',
] as const satisfies readonly AuditKind[]

const TONES: Readonly<Partial<Record<AuditKind, string>>> = {
  'login.accepted': 'good',
  'login.refused': 'bad',
  'lockout.made': 'bad',
}

/** Reasons that have a sentence of their own for users; the others are none of their doing. */
const WHY: Readonly<Partial<Record<RefusalReason, MessageKey>>> = {
  bad_credentials: 'portal.why.bad_credentials',
  wrong_code: 'portal.why.wrong_code',
  code_used: 'portal.why.code_used',
  not_approved: 'portal.why.not_approved',
  challenge_expired: 'portal.why.challenge_expired',
  challenge_mismatch: 'portal.why.challenge_expired',
  locked: 'portal.why.locked',
  rate_limited: 'portal.why.rate_limited',
  barred: 'portal.why.barred',
  no_second_factor: 'portal.why.no_second_factor',
  no_policy: 'portal.why.no_policy',
  no_address: 'portal.why.no_address',
  quota_spent: 'portal.why.quota_spent',
  too_many_sessions: 'portal.why.too_many_sessions',
  unavailable: 'portal.why.unavailable',
}

/** Why the broker or an administrator ends a VPN session. */
const ENDED: Readonly<Partial<Record<OrderReason, MessageKey>>> = {
  operator: 'portal.why.ended.operator',
  disabled: 'portal.why.ended.disabled',
  expired: 'portal.why.ended.expired',
  locked: 'portal.why.ended.locked',
  quota: 'portal.why.ended.quota',
  too_many_sessions: 'portal.why.ended.too_many_sessions',
  removed: 'portal.why.ended.removed',
}

/** Why it happened: a message, or a text of the records, which the page shows in the reader's language. */
type Why = { readonly key: MessageKey } | { readonly stored: string } | undefined

/**
 * Tells users why. Left out is what only operators may know: what would have made a wrong code right, and the words that
 * they wrote to each other.
 */
export function whyOf({ kind, reason, detail, actor }: Omit<AuditEvent, 'id' | 'at'>): Why {
  if (kind === 'login.refused') return { key: WHY[reason as RefusalReason] ?? 'portal.why.other' }
  if (kind === 'login.challenged') return { key: 'portal.why.challenged' }
  if (kind === 'login.unavailable') return { key: 'portal.why.unavailable' }
  if (kind === 'session.end_ordered')
    return { key: ENDED[reason as OrderReason] ?? 'portal.why.ended.operator' }
  if (actor !== undefined) return { key: 'portal.why.administrator' }
  if (kind === 'login.accepted' || detail === undefined) return undefined
  return { stored: detail.replace(/^\w+ locked (?:until \S+|without an end): /, '') }
}

/** What `activity.eta` shows. */
export function shownActivity(events: readonly AuditEvent[]) {
  return events.map((event) => ({ ...event, tone: TONES[event.kind] ?? '', why: whyOf(event) }))
}
