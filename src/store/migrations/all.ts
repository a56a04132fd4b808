import type { Migration } from 'kysely'
import { records } from './0001-records.ts'
import { management } from './0002-management.ts'
import { invitations } from './0003-invitations.ts'
import { knownAddresses } from './0004-known-addresses.ts'
import { keeping } from './0005-keeping.ts'
import { customerNetworks } from './0006-customer-networks.ts'
import { leases } from './0007-leases.ts'

/**
 * Every change of the tables, run in the order of their names. One that was released is never edited: stores in
 * the field have run it.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-records': records,
  '0002-management': management,
  '0003-invitations': invitations,
  '0004-known-addresses': knownAddresses,
  '0005-keeping': keeping,
  '0006-customer-networks': customerNetworks,
  '0007-leases': leases,
}
