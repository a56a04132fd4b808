import type { LeaseStore, PoolLayout } from '../../src/domain/address-pool.ts'
import { PoolChanges } from '../../src/store/lease-layout.ts'

/** As a broker does that starts with these pools. */
export async function layOut(leases: LeaseStore, pools: readonly PoolLayout[]): Promise<void> {
  const changes = await PoolChanges.between(leases, pools)
  await changes.add()
  await changes.settle()
}
