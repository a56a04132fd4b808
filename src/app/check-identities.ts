import { OperatorError } from '../domain/errors.ts'
import type { Log } from '../domain/log.ts'
import type { Store } from './storage.ts'

/** How long the identity stores may take to show that they are there, in milliseconds. */
const READY_WITHIN_MS = 5000

/** @throws OperatorError that names each required store that does not answer, with its server and the cause. */
export async function checkIdentities(store: Store, log: Log): Promise<void> {
  const faults = await store.findIdentityFaults(READY_WITHIN_MS)
  for (const { store: name, cause } of faults) log.error('identity.unavailable', { identity: name, cause })
  const fatal = faults.filter(({ required }) => required)
  if (fatal.length === 0) return
  const lines = fatal.map(({ cause }) => cause)
  // Where the cause names its own remedy, a store that is not required would only fail its users' logins.
  const isOutage = lines.some((cause) => !cause.includes('message_authenticator'))
  const way = isOutage ? ['With identity.NAME.required: false the broker starts all the same.'] : []
  throw new OperatorError([...lines, ...way].join('\n'))
}
