import type { Store } from '../broker-storage.ts'
import type { Log } from '../domain/log.ts'
import { Complaint } from './complaint.ts'

/** How long the identity stores may take to show that they are there, in milliseconds. */
const READY_WITHIN_MS = 5000

/** @throws Complaint naming each store that must be there and is not, with its server and the cause. */
export async function askIdentities(store: Store, log: Log): Promise<void> {
  const faults = await store.findIdentityFaults(READY_WITHIN_MS)
  for (const { store: name, cause } of faults) log.error('identity.unavailable', { identity: name, cause })
  const fatal = faults.filter(({ required }) => required)
  if (fatal.length === 0) return
  const lines = fatal.map(({ cause }) => cause)
  throw new Complaint(
    [...lines, 'With identity.NAME.required: false the broker starts all the same.'].join('\n'),
  )
}
