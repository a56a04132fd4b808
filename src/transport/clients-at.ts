import type { Gateway } from '../domain/gateway.ts'
import type { RadiusClient } from './client-table.ts'

/** The gateways behind one source address, or behind one certificate. */
export interface ClientsAt {
  /** Their names. */
  readonly gateways: readonly string[]
  /** The name of the one that is there; undefined where there are several. */
  readonly only: string | undefined
  /** @returns the one that sends this NAS-Identifier, or that may send any; undefined if there is none. */
  withIdentifier(nasIdentifier: string | undefined): RadiusClient | undefined
}

/** Each of them is kept: what a sender can make up is bounded. */
const MAX_CLIENTS = 10_000

/** @param clientOf makes the client of a member that was chosen, once for each NAS-Identifier. */
export function clientsAmong<Member extends { readonly gateway: Gateway }>(
  members: readonly Member[],
  clientOf: (member: Member, nasIdentifier: string | undefined) => RadiusClient,
): ClientsAt {
  const clients = new Map<string | undefined, RadiusClient | undefined>()
  const gateways = members.map(({ gateway }) => gateway.name)
  return {
    gateways,
    only: gateways.length === 1 ? gateways[0] : undefined,
    withIdentifier(nasIdentifier) {
      if (clients.has(nasIdentifier)) return clients.get(nasIdentifier)
      const member =
        members.find(({ gateway }) => gateway.nasIdentifiers.some((each) => each === nasIdentifier)) ??
        members.find(({ gateway }) => gateway.nasIdentifiers.length === 0)
      const client = member && clientOf(member, nasIdentifier)
      if (clients.size >= MAX_CLIENTS) clients.clear() // a sender can write any identifier
      clients.set(nasIdentifier, client)
      return client
    },
  }
}
