import type { Kysely } from 'kysely'
import type { AgentBan } from '../domain/agent.ts'
import { isWithin, parseNetwork } from '../domain/network.ts'
import type { Randomness } from '../domain/random.ts'
import type { OrderCause } from '../domain/session-order.ts'
import type { Tables } from './schema.ts'
import { writeOrder } from './session-orders.ts'

/**
 * Orders that gateways lift their own bans of an address, or of a customer's network, whose lockout is released. Only
 * where an agent has reported such a ban.
 */
export async function orderUnbans(
  db: Kysely<Tables>,
  place: string,
  cause: OrderCause,
  random: Randomness,
): Promise<void> {
  const network = parseNetwork(place)
  if (network === undefined) return
  const agents = await db.selectFrom('agents').select(['gateway', 'bans']).orderBy('gateway').execute()
  for (const { gateway, bans } of agents) {
    const banned: readonly AgentBan[] = JSON.parse(bans)
    for (const { address } of banned.filter((ban) => isWithin([network], ban.address)))
      await writeOrder(db, { id: random.id(), gateway, kind: 'unban', target: { address }, ...cause })
  }
}
