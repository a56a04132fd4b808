import { type QueryCreator, sql } from 'kysely'
import type { LeaseWish } from '../../domain/address-pool.ts'
import type { Session } from '../../domain/session.ts'
import {
  abandonedAddress,
  contested,
  freeAddress,
  namedAddress,
  type Taken,
  takenBy,
  usualAddress,
  type Wanted,
  wantedBy,
} from '../lease-taking.ts'
import type { Place } from '../prepared.ts'
import type { Tables } from '../schema.ts'
import { type Prefixed, prefixed } from './prefixed.ts'

/** Any address of a pool, or the user's own that is in one. */
export type Leasing = 'any address' | 'own address'

export type LeaseValues = Prefixed<'wanted', Wanted> & Prefixed<'taken', Taken>

export function leaseValues(session: Session, wish: LeaseWish): Record<string, unknown> {
  return {
    ...prefixed('wanted', wantedBy(session, wish)),
    ...prefixed('taken', takenBy(session, wish)),
  }
}

/**
 * The address for a session, as the part `leasable` of an admission: one row or none. Its row is locked until the
 * statement ends. One that another login has locked is passed over, so that none waits for another.
 */
export function leasable(db: QueryCreator<Tables>, leasing: Leasing, value: Place<LeaseValues>) {
  const wanted = ((name) => value(`wanted.${name}`)) as Place<Wanted>
  // Only that user’s other logins can have locked it, and theirs it is as well.
  if (leasing === 'own address') return namedAddress(db, wanted).forUpdate('leases')
  return db
    .with('own', (own) => usualAddress(own, wanted).forUpdate('leases').skipLocked())
    .with('free', (free) =>
      freeAddress(free, wanted)
        .where(sql<boolean>`not exists (select from own)`)
        .forUpdate('leases')
        .skipLocked(),
    )
    .with('abandoned', (abandoned) =>
      abandonedAddress(abandoned, wanted)
        .where(sql<boolean>`not exists (select from own) and not exists (select from free)`)
        .forUpdate('leases')
        .skipLocked(),
    )
    .selectFrom('own')
    .select('own.address')
    .unionAll((others) => others.selectFrom('free').select('free.address'))
    .unionAll((others) => others.selectFrom('abandoned').select('abandoned.address'))
}

/** Takes the address that was found, where the code was claimed. */
export function take(db: QueryCreator<Tables>, value: Place<LeaseValues>) {
  return db
    .updateTable('leases')
    .set({
      subject: value('taken.subject'),
      gateway: value('taken.gateway'),
      session: value('taken.session'),
      taken_at: value('taken.taken_at'),
      heard_at: null,
      kept_ms: value('taken.kept_ms'),
      contested,
    })
    .where(sql<boolean>`address = (select address from leasable) and exists (select from claimed)`)
}
