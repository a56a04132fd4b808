import type { AuditEvent, AuditStore } from '../domain/audit.ts'
import type { Lockout, LockoutStore } from '../domain/lockout.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Session, SessionStore } from '../domain/session.ts'

/** What a timeline is about. */
export type TimelineSubject =
  /** @property user canonical. @property typed the name as it was typed, where the account has another. */
  | { readonly kind: 'user'; readonly user: string; readonly typed?: string }
  /** A client's own address, or its `customerNetwork`. */
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'session'; readonly session: Session }

/** One entry, at a moment in wall milliseconds. */
export type TimelineEntry = { readonly at: number } & (
  | { readonly kind: 'event'; readonly event: AuditEvent }
  | { readonly kind: 'connected' | 'disconnected'; readonly session: Session }
  /** A lockout expired, which leaves no event. */
  | { readonly kind: 'lock_ended'; readonly lockout: Lockout }
)

export interface TimelineRecords {
  readonly audit: Pick<AuditStore, 'list'>
  readonly lockouts: Pick<LockoutStore, 'list'>
  readonly sessions: Pick<SessionStore, 'list'>
}

export interface TimelineSearch {
  /** Wall milliseconds. */
  readonly now: number
  /** Older entries are left out; wall milliseconds. */
  readonly since?: number
  /** `Timeline.next` of the page before. */
  readonly cursor?: string
  readonly limit: number
}

export interface Timeline {
  /** Newest first. */
  readonly entries: readonly TimelineEntry[]
  /** Where the next page starts; absent at the end. */
  readonly next?: string
}

interface Page {
  /** Identifier of the last record of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Records of one kind, newest first: by their identifiers, or by the end of what they are about. */
interface Source {
  readonly order: 'id' | 'end'
  read(page: Page): Promise<readonly { readonly id: string; readonly entry: TimelineEntry }[]>
}

interface Head {
  readonly order: Source['order']
  readonly last?: string
  readonly waiting: readonly { readonly id: string; readonly entry: TimelineEntry }[]
}

/** What belongs to a session may have happened this long before its login and after its end. */
const SLACK_MS = 60_000
const CURSOR = /^\d{1,16}(\.[0-9a-f-]{0,36}g?){3,6}$/
/** Sorts an identifier's text before itself. */
const ITSELF_TOO = 'g'

export function isTimelineCursor(text: string): boolean {
  return CURSOR.test(text)
}

/**
 * Events, sessions and expired lockouts of a user, an address or a session in one list. Each page reads on where the page
 * before ended in each kind of record, so that none is left out or shown twice.
 * @throws Unavailable
 */
export async function readTimeline(
  subject: TimelineSubject,
  records: TimelineRecords,
  { now, since = 0, cursor, limit }: TimelineSearch,
): Promise<Timeline> {
  const sources = sourcesOf(subject, records, now)
  const [bound, ...after] = cursor?.split('.') ?? []
  const until = bound === undefined ? now : Number(bound)
  const heads = await Promise.all(
    sources.map(async (source, index) => {
      const last = after[index] || undefined
      const found = await source.read({ after: last, limit: limit + 1 })
      // Of a kind that had no entry yet, one may have come since the page before.
      const upTo = last === undefined ? until : now
      const waiting = found.filter(({ entry: { at } }) => since <= at && at <= upTo)
      return { order: source.order, last, waiting }
    }),
  )
  const entries: TimelineEntry[] = []
  for (;;) {
    const newest = heads
      .filter(({ waiting }) => waiting.length > 0)
      .toSorted((one, other) => (other.waiting[0]?.entry.at ?? 0) - (one.waiting[0]?.entry.at ?? 0))[0]
    const first = newest?.waiting[0]
    if (newest === undefined || first === undefined) return { entries: sorted(entries) }
    if (entries.length === limit)
      return {
        entries: sorted(entries),
        next: [entries.at(-1)?.at, ...heads.map(positionOf)].join('.'),
      }
    newest.waiting.shift()
    newest.last = first.id
    entries.push(first.entry)
  }
}

/** Where a source is read on. Of a kind by identifiers of which nothing was shown yet: from the one that waits. */
function positionOf({ order, last, waiting }: Head): string {
  const first = waiting[0]
  if (last !== undefined || first === undefined || order === 'end') return last ?? ''
  return `${first.id}${ITSELF_TOO}`
}

/** An event can be written later than others that happened after it. */
function sorted(entries: readonly TimelineEntry[]): readonly TimelineEntry[] {
  return entries.toSorted((one, other) => other.at - one.at)
}

/** Of entries of one millisecond those of earlier sources come first: a session follows from the login that opened it. */
function sourcesOf(subject: TimelineSubject, records: TimelineRecords, now: number): readonly Source[] {
  switch (subject.kind) {
    case 'user': {
      const names = [...new Set([subject.user, usernameOf(subject.typed ?? subject.user)])]
      return [
        ...names.flatMap((user) => sessionSources({ user }, records)),
        eventSource({ user: subject.user }, records),
        expirySource({ user: subject.user }, records, now),
      ]
    }
    case 'address': {
      const { address } = subject
      return [
        ...sessionSources({ address }, records),
        eventSource({ address }, records),
        expirySource({ address }, records, now),
      ]
    }
    case 'session':
      return sourcesOfSession(subject.session, records, now)
  }
}

function sessionSources(
  search: { readonly user?: string; readonly address?: string },
  { sessions }: TimelineRecords,
): readonly Source[] {
  return [
    {
      order: 'end',
      read: async (page) => (await sessions.list({ ...search, order: 'last_ended', ...page })).flatMap(endOf),
    },
    { order: 'id', read: async (page) => (await sessions.list({ ...search, ...page })).map(startOf) },
  ]
}

function startOf(session: Session) {
  const { id, startedAt, grantedAt, updatedAt } = session
  return { id, entry: { at: startedAt ?? grantedAt ?? updatedAt, kind: 'connected', session } } as const
}

function endOf(session: Session) {
  const { id, stoppedAt } = session
  if (stoppedAt === undefined) return []
  return [{ id, entry: { at: stoppedAt, kind: 'disconnected', session } } as const]
}

function eventSource(
  search: { readonly user?: string; readonly address?: string },
  { audit }: TimelineRecords,
): Source {
  return { order: 'id', read: async (page) => (await audit.list({ ...search, ...page })).map(entryOf) }
}

function entryOf(event: AuditEvent) {
  return { id: event.id, entry: { at: event.at, kind: 'event', event } } as const
}

function expirySource(
  search: { readonly user?: string; readonly address?: string },
  { lockouts }: TimelineRecords,
  now: number,
): Source {
  const standing = { state: 'ended', at: now } as const
  return {
    order: 'end',
    read: async (page) =>
      (await lockouts.list({ ...search, standing, order: 'last_ended', ...page })).flatMap((lockout) => {
        const { id, until: at } = lockout
        return at === undefined ? [] : [{ id, entry: { at, kind: 'lock_ended', lockout } as const }]
      }),
  }
}

/** What happened to the session's user from the login to the end. */
function sourcesOfSession(session: Session, records: TimelineRecords, now: number): readonly Source[] {
  const { user, subject, grantedAt, startedAt, updatedAt, stoppedAt } = session
  const since = (grantedAt ?? startedAt ?? updatedAt) - SLACK_MS
  const until = (stoppedAt ?? now) + SLACK_MS
  const search = { user: usernameOf(subject ?? user), since, before: until }
  const once = (entries: readonly { readonly id: string; readonly entry: TimelineEntry }[]): Source => ({
    order: 'id',
    read: async ({ after }) => (after === undefined || after.endsWith(ITSELF_TOO) ? entries : []),
  })
  return [
    once(endOf(session)),
    once([startOf(session)]),
    {
      order: 'id',
      read: async (page) => (await records.audit.list({ ...search, ...page })).map(entryOf),
    },
    once([]),
  ]
}
