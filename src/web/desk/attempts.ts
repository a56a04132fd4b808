import type { Request } from 'express'
import { TALLY_KEYS, type TallyKey } from '../../domain/attempt-tally.ts'
import type { AuditEvent } from '../../domain/audit.ts'
import { parameter } from '../layout/forms.ts'
import { maybeOf, oneOf, type Query, queryIn } from './filters.ts'

const HOUR_MS = 3_600_000
export const SPANS = ['24h', '1h', '7d'] as const
const SPAN_MS: Readonly<Record<(typeof SPANS)[number], number>> = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
}

/** What the page of attempts shows. */
export interface AttemptView {
  readonly query: Query
  readonly gateway?: string
  readonly span: (typeof SPANS)[number]
  /** The start of one hour, in place of a span; wall milliseconds. */
  readonly hour?: number
  /** Absent: the attempts themselves. */
  readonly by?: TallyKey
  /** Wall milliseconds. */
  readonly since: number
  readonly before: number
  /** As parameters of the page. */
  readonly parameters: Readonly<Record<string, string | undefined>>
}

/** @param now wall milliseconds. */
export function attemptViewIn(request: Request, gateways: readonly string[], now: number): AttemptView {
  const query = queryIn(request)
  const gateway = maybeOf(request, 'gateway', gateways)
  const span = oneOf(request, 'span', SPANS)
  const hour = hourIn(parameter(request, 'hour'))
  const by = maybeOf(request, 'by', TALLY_KEYS)
  return {
    query,
    gateway,
    span,
    hour,
    by,
    since: hour ?? now - SPAN_MS[span],
    before: hour === undefined ? now + 1 : hour + HOUR_MS,
    parameters: {
      q: query.typed,
      gateway,
      span: span === SPANS[0] ? undefined : span,
      hour: hour === undefined ? undefined : String(hour),
      by,
    },
  }
}

function hourIn(typed: string): number | undefined {
  return /^\d{1,15}$/.test(typed) ? Math.floor(Number(typed) / HOUR_MS) * HOUR_MS : undefined
}

/** Attempts that differ in nothing but their time, as one. */
export interface FoldedAttempt {
  /** The last of them. */
  readonly event: AuditEvent
  readonly first: number
  readonly count: number
}

/** @param events newest first. @returns them where the last of each stood. */
export function fold(events: readonly AuditEvent[]): readonly FoldedAttempt[] {
  const folded = new Map<string, FoldedAttempt>()
  for (const event of events) {
    const { kind, user, address, gateway, reason, detail, at, times = 1 } = event
    const key = JSON.stringify([kind, user, address, gateway, reason, detail])
    const last = folded.get(key)
    folded.set(key, {
      event: last?.event ?? event,
      first: Math.min(last?.first ?? at, at),
      count: (last?.count ?? 0) + times,
    })
  }
  return [...folded.values()]
}
