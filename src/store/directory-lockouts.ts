import type { Kysely } from 'kysely'
import type {
  DirectoryAccount,
  DirectoryLock,
  DirectoryQuery,
  DirectoryView,
} from '../domain/directory-lockout.ts'
import type { Lockout } from '../domain/lockout.ts'
import type { Randomness } from '../domain/random.ts'
import { writeEvents } from './audit.ts'
import { isKnownAddress } from './known-addresses.ts'
import { judgeLockout } from './lockout-hint.ts'
import { lockoutOf, lockoutRow } from './lockout-rows.ts'
import { type Param, prepared } from './prepared.ts'
import type { Tables } from './schema.ts'

export async function viewDirectory(db: Kysely<Tables>, query: DirectoryQuery): Promise<DirectoryView> {
  const { source, subject, now, since } = query
  const [{ rows }, knownAddress] = await Promise.all([
    recentOf(db, { source, subject, now, since }),
    isKnownAddress(db, { ...query, user: subject, account: query }),
  ])
  const releases = rows.flatMap((row) => row.released_at ?? [])
  return {
    locks: rows.filter((row) => row.released_at === null).map(lockoutOf),
    knownAddress,
    releasedAt: releases.length === 0 ? undefined : Math.max(...releases),
  }
}

/** In force, or released since. */
const recentOf = prepared((db, value: Param<DirectoryAccount & { now: number; since: number }>) =>
  db
    .selectFrom('lockouts')
    .selectAll()
    .where('source', '=', value('source'))
    .where('subject', '=', value('subject'))
    .where((row) =>
      row.or([
        row.and([row('ends_at', '>', value('now')), row('released_at', 'is', null)]),
        row.and([row('ends_at', '>', value('since')), row('released_at', '>=', value('since'))]),
      ]),
    ),
)

/** In a transaction in which nobody else locks the same account. */
export async function lockDirectory(
  db: Kysely<Tables>,
  random: Randomness,
  { address, ...lock }: DirectoryLock,
): Promise<Lockout> {
  const { source, subject, since, until, cause, user, gateway, reason } = lock
  const known = await recentOf(db, { source, subject, now: since, since })
  const inForce = known.rows.find((row) => row.cause === cause && row.released_at === null)
  if (inForce !== undefined) return lockoutOf(inForce)
  const name = subject === user ? undefined : subject
  const about = { cause, scope: 'user', user, since } as const
  const account = { source, subject }
  const hint = await judgeLockout(db, { lockout: about, account, address, withinMs: until - since })
  const lockout: Lockout = { ...lock, name, id: random.id(), scope: 'user', hint }
  await db.insertInto('lockouts').values(lockoutRow(lockout)).execute()
  const detail = `user locked until ${new Date(until).toISOString()}: ${reason}`
  const event = { id: random.id(), at: since, user, name, address, gateway, reason: cause, detail }
  await writeEvents(db, [{ ...event, kind: 'lockout.made' }])
  return lockout
}

export async function endDirectory(
  db: Kysely<Tables>,
  { source, subject }: DirectoryAccount,
  now: number,
): Promise<void> {
  await db
    .updateTable('lockouts')
    .set({ ends_at: now })
    .where('source', '=', source)
    .where('subject', '=', subject)
    .where('cause', '=', 'directory_full')
    .where('ends_at', '>', now)
    .where('released_at', 'is', null)
    .execute()
}
