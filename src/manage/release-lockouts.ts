import type { Clock } from '../domain/clock.ts'
import { type Lockout, type LockoutSearch, type LockoutStore, MAX_RELEASED } from '../domain/lockout.ts'

/** Narrows down the lockouts in force. */
type ReleaseFilter = Pick<LockoutSearch, 'user' | 'address' | 'gateway' | 'scope' | 'hint' | 'before'>

/** Which lockouts are released: these, or all in force that the filter finds. */
export type ReleaseWanted = { readonly ids: readonly string[] } | { readonly filter: ReleaseFilter }

export interface Releaser {
  readonly by: string
  readonly reason: string
  /** Whether the person of this user name or subject may be acted on; absent: everybody. @throws Unavailable */
  readonly mayActOn?: (target: string) => Promise<boolean>
  /** As of `LockoutSearch`: then those of an address alone are forbidden too. */
  readonly over?: readonly string[]
}

/** One that was not released: of a person with more rights, or not in force any more. */
interface LeftLocked {
  readonly id: string
  readonly why: 'forbidden' | 'not_in_force'
}

export interface ReleaseAnswer {
  readonly released: readonly Lockout[]
  readonly left: readonly LeftLocked[]
  /** Whether the filter finds more than are released at a time. */
  readonly isMore: boolean
}

export interface ReleaseOptions {
  readonly store: Pick<LockoutStore, 'list' | 'find' | 'releaseAll'>
  readonly clock: Clock
}

/** Lockouts that one call releases. */
export const MAX_AT_ONCE = 500

/**
 * Releases several lockouts with one reason, in transactions of `MAX_RELEASED`, with an event for each. Rights are looked
 * at before the first one is released. @throws Unavailable
 */
export async function releaseLockouts(
  wanted: ReleaseWanted,
  { by, reason, mayActOn, over }: Releaser,
  { store, clock }: ReleaseOptions,
): Promise<ReleaseAnswer> {
  const found =
    'ids' in wanted
      ? await findThese([...new Set(wanted.ids)].slice(0, MAX_AT_ONCE), store)
      : await findAll({ ...wanted.filter, over }, store, clock.now())
  const allowed = await allowedOf(found.lockouts, mayActOn, over === undefined)
  const released: Lockout[] = []
  for (let at = 0; at < allowed.length; at += MAX_RELEASED) {
    const ids = allowed.slice(at, at + MAX_RELEASED).map(({ id }) => id)
    released.push(...(await store.releaseAll(ids, by, reason, clock.now())))
  }
  const [permitted, done] = [idsOf(allowed), idsOf(released)]
  const left = [
    ...found.lockouts.flatMap(({ id }): LeftLocked[] => {
      if (done.has(id)) return []
      return [{ id, why: permitted.has(id) ? 'not_in_force' : 'forbidden' }]
    }),
    ...found.unknown.map((id) => ({ id, why: 'not_in_force' }) as const),
  ]
  return { released, left, isMore: found.isMore }
}

function idsOf(lockouts: readonly Lockout[]): ReadonlySet<string> {
  return new Set(lockouts.map(({ id }) => id))
}

interface Found {
  readonly lockouts: readonly Lockout[]
  readonly unknown: readonly string[]
  readonly isMore: boolean
}

async function findThese(ids: readonly string[], store: ReleaseOptions['store']): Promise<Found> {
  const lockouts: Lockout[] = []
  const unknown: string[] = []
  for (const id of ids) {
    const lockout = await store.find(id)
    if (lockout === undefined) unknown.push(id)
    else lockouts.push(lockout)
  }
  return { lockouts, unknown, isMore: false }
}

async function findAll(
  filter: ReleaseFilter & Pick<LockoutSearch, 'over'>,
  store: ReleaseOptions['store'],
  now: number,
): Promise<Found> {
  const standing = { state: 'in_force', at: now } as const
  const found = await store.list({ ...filter, standing, limit: MAX_AT_ONCE + 1 })
  return { lockouts: found.slice(0, MAX_AT_ONCE), unknown: [], isMore: found.length > MAX_AT_ONCE }
}

/** A lockout covers everybody of the username, and came of the whole name. */
async function allowedOf(
  lockouts: readonly Lockout[],
  mayActOn: Releaser['mayActOn'],
  mayAddresses: boolean,
): Promise<readonly Lockout[]> {
  if (mayActOn === undefined) return lockouts
  // An address may be of users for whom the right is not good.
  const mayScope = ({ scope }: Lockout) => mayAddresses || scope !== 'address'
  const targets = new Set(lockouts.flatMap(targetsOf))
  const forbidden = new Set<string>()
  for (const target of targets) if (!(await mayActOn(target))) forbidden.add(target)
  return lockouts.filter(
    (lockout) => mayScope(lockout) && !targetsOf(lockout).some((target) => forbidden.has(target)),
  )
}

function targetsOf({ user, name }: Lockout): readonly string[] {
  return [user, name].flatMap((each) => each ?? [])
}
