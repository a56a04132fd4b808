import type { AuditEvent } from '../../domain/audit.ts'
import type { TimelineEntry } from '../../manage/timeline.ts'

type Tone = 'good' | 'bad' | 'warn' | 'lock' | 'plain'

/** An entry as it is shown. `at` of repeated events is the last one's. */
export type ShownEntry = TimelineEntry & {
  readonly tone: Tone
  /** When the first of several repeated events happened. */
  readonly from?: number
  readonly count: number
  /** The part of an event's detail that is worth reading here. */
  readonly detail?: string
}

/** @param entries newest first. @returns repeated login attempts as one entry. */
export function shownEntries(entries: readonly TimelineEntry[]): readonly ShownEntry[] {
  const shown: ShownEntry[] = []
  for (const entry of entries) {
    const last = shown.at(-1)
    if (last?.kind === 'event' && entry.kind === 'event' && isRepeated(last.event, entry.event))
      shown[shown.length - 1] = { ...last, from: entry.at, count: last.count + (entry.event.times ?? 1) }
    else shown.push(shownEntry(entry))
  }
  return shown
}

function shownEntry(entry: TimelineEntry): ShownEntry {
  if (entry.kind !== 'event')
    return { ...entry, count: 1, tone: entry.kind === 'connected' ? 'good' : 'plain' }
  const { event } = entry
  return { ...entry, count: event.times ?? 1, detail: detailOf(event), tone: toneOf(event) }
}

/** Only login attempts are grouped; each action of a person is an entry of its own. */
function isRepeated(one: AuditEvent, other: AuditEvent): boolean {
  const parts = ['kind', 'user', 'address', 'gateway', 'reason', 'actor'] as const
  return one.kind.startsWith('login.') && parts.every((part) => one[part] === other[part])
}

/** Leaves out what the lockout's own entry says. */
function detailOf({ kind, reason, detail }: AuditEvent): string | undefined {
  if (reason === 'locked') return undefined
  return kind === 'lockout.made' ? detail?.replace(/^\w+ locked (?:until \S+|without an end): /, '') : detail
}

function toneOf({ kind, reason }: AuditEvent): Tone {
  switch (kind) {
    case 'login.accepted':
    case 'login.approved':
    case 'lockout.released':
    case 'enrolment.made':
      return 'good'
    case 'login.refused':
      return reason === 'locked' ? 'plain' : 'bad'
    case 'lockout.made':
      return 'lock'
    case 'login.unavailable':
    case 'login.prompt_unanswered':
    case 'login.disowned':
    case 'login.wrong_number':
    case 'login.withdrawn':
    case 'attempts.disowned':
    case 'address.shared':
    case 'quota.warned':
    case 'quota.spent':
    case 'enrolment.revoked':
    case 'user.removed':
    case 'mail.failed':
      return 'warn'
    default:
      return 'plain'
  }
}
