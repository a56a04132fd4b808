import { type QueryCreator, sql } from 'kysely'
import type { Family, LeaseRequest } from '../../domain/address-pool.ts'
import type { Admission } from '../../domain/login-records.ts'
import type { Session } from '../../domain/session.ts'
import {
  abandonedAddress,
  contested,
  freeAddress,
  namedAddress,
  sameAddress,
  type Taken,
  takenBy,
  unconfirmedAddress,
  usualAddress,
  type Wanted,
  wantedBy,
} from '../lease-allocation.ts'
import type { Param } from '../prepared.ts'
import type { Tables } from '../schema.ts'
import { type Prefixed, prefixed } from './prefixed.ts'

/** Any address of a pool, or the user's own that is in one. */
export type Leasing = 'any' | 'own'

/** What is leased with an admission, by family. */
export interface Leasings {
  readonly ipv4?: Leasing
  readonly ipv6?: Leasing
}

export type LeaseValues = Prefixed<'wanted' | 'wanted6', Wanted> & Prefixed<'taken' | 'taken6', Taken>

export function leaseValues(
  session: Session,
  { lease, lease6 }: Pick<Admission, 'lease' | 'lease6'>,
): Record<string, unknown> {
  return {
    ...(lease && valuesOf(session, lease, '')),
    ...(lease6 && valuesOf(session, lease6, '6')),
  }
}

function valuesOf(session: Session, wish: LeaseRequest, suffix: '' | '6'): Record<string, unknown> {
  return {
    ...prefixed(`wanted${suffix}`, wantedBy(session, wish)),
    ...prefixed(`taken${suffix}`, takenBy(session, wish)),
  }
}

/**
 * The user's own addresses, as the part `own` of an admission. Only other logins of that user and reports of their
 * sessions can have locked them; so these are waited for: before anything else is locked, and in the order of addresses.
 */
export function ownAddresses(db: QueryCreator<Tables>, { ipv4, ipv6 }: Leasings, value: Param<LeaseValues>) {
  const wanted = ipv4 === 'own' ? wantedOf('', value) : wantedOf('6', value)
  const other = ipv4 === 'own' && ipv6 === 'own' ? value('wanted6.address') : undefined
  return namedAddress(db, wanted, other).orderBy('address').forUpdate('leases')
}

/**
 * The address of one family for a session: one row or none, locked until the statement ends. An address that another
 * login has locked is skipped, so that no login waits for another.
 */
export function leasable(
  db: QueryCreator<Tables>,
  family: Family,
  { [family]: leasing, ...rest }: Leasings,
  value: Param<LeaseValues>,
) {
  const wanted = wantedOf(family === 'ipv4' ? '' : '6', value)
  if (leasing === 'own')
    return db
      .selectFrom(sql<{ address: string }>`own`.as('own'))
      .select('own.address')
      .where('own.address', '=', wanted('address'))
  const isNext = Object.values(rest).includes('own')
    ? sql<boolean>`exists (select from own)`
    : sql<boolean>`true`
  return db
    .with('same', (same) => sameAddress(same, wanted, family).where(isNext).forUpdate('leases').skipLocked())
    .with('usual', (usual) =>
      usualAddress(usual, wanted, family)
        .where(isNext)
        .where(noneOf('same'))
        .forUpdate('leases')
        .skipLocked(),
    )
    .with('unconfirmed', (unconfirmed) =>
      unconfirmedAddress(unconfirmed, wanted, family)
        .where(isNext)
        .where(noneOf('same', 'usual'))
        .forUpdate('leases')
        .skipLocked(),
    )
    .with('free', (free) =>
      freeAddress(free, wanted, family)
        .where(isNext)
        .where(noneOf('same', 'usual', 'unconfirmed'))
        .forUpdate('leases')
        .skipLocked(),
    )
    .with('abandoned', (abandoned) =>
      abandonedAddress(abandoned, wanted)
        .where(isNext)
        .where(noneOf('same', 'usual', 'unconfirmed', 'free'))
        .forUpdate('leases')
        .skipLocked(),
    )
    .selectFrom('same')
    .select('same.address')
    .unionAll((others) => others.selectFrom('usual').select('usual.address'))
    .unionAll((others) => others.selectFrom('unconfirmed').select('unconfirmed.address'))
    .unionAll((others) => others.selectFrom('free').select('free.address'))
    .unionAll((others) => others.selectFrom('abandoned').select('abandoned.address'))
}

function wantedOf(suffix: '' | '6', value: Param<LeaseValues>): Param<Wanted> {
  return ((name) => value(`wanted${suffix}.${name}`)) as Param<Wanted>
}

/** Whether no part before has an address; later parts are not run then. */
function noneOf(...parts: readonly string[]) {
  const empty = parts.map((part) => sql<boolean>`not exists (select from ${sql.table(part)})`)
  return sql<boolean>`${sql.join(empty, sql` and `)}`
}

/** Takes the address of one family that was found, if the code was spent. */
export function take(db: QueryCreator<Tables>, family: Family, value: Param<LeaseValues>) {
  const suffix = family === 'ipv4' ? '' : '6'
  const taken = ((name) => value(`taken${suffix}.${name}`)) as Param<Taken>
  return db
    .updateTable('leases')
    .set({
      subject: taken('subject'),
      gateway: taken('gateway'),
      session: taken('session'),
      taken_at: taken('taken_at'),
      heard_at: null,
      kept_ms: taken('kept_ms'),
      contested,
    })
    .where(
      sql<boolean>`address = (select address from ${sql.table(PART[family])}) and exists (select from claimed)`,
    )
}

/** The part of an admission that has the address. */
export const PART = { ipv4: 'leasable', ipv6: 'leasable6' } as const
