import { isOneServer } from '../../domain/agent.ts'
import { causeOf, remedyOf } from '../../domain/drop-remedies.ts'
import { canonicalAddress } from '../../domain/network.ts'
import { askedAt, type JudgedDrop, recentDrops } from '../../domain/traffic.ts'
import { addressOf } from '../peer.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import type { Handlers } from './call.ts'
import { timeText } from './wire.ts'

type GatewayServices = Pick<HttpServices, 'clock' | 'gateways' | 'agentGateways' | 'expectationOf'> & {
  readonly records: Pick<HttpServices['records'], 'traffic'>
}

/** What gateways ask, and what of it is dropped. */
export function gatewayRoutes(services: GatewayServices): Handlers {
  const { records, clock, gateways, agentGateways, expectationOf } = services
  return {
    async listGateways() {
      const traffic = await records.traffic.list()
      return {
        body: {
          items: gateways.map((name) => ({ name, askedAt: timeText(askedAt(traffic, name)) })),
          drops: recentDrops(traffic, clock.now()).map(dropWire),
        },
      }
    },

    async getAgentExpectation(call) {
      const name = call.path('gateway')
      const gateway = agentGateways.find((each) => each.name === name)
      const expectation = await expectationOf(name, canonicalAddress(call.request.socket.localAddress ?? ''))
      if (gateway === undefined || expectation === undefined)
        throw new Problem('not-found', { detail: 'The configuration has no gateway of this name.' })
      const caller = addressOf(call.request)
      // Of several servers that share an entry, each is told of its own.
      const isOwn = (drop: JudgedDrop) =>
        canonicalAddress(drop.source) === caller || (drop.gateway === name && isOneServer(gateway))
      const drops = recentDrops(await records.traffic.list(), clock.now()).filter(isOwn)
      return { body: { ...expectation, drops: drops.map(dropWire) } }
    },
  }
}

function dropWire(drop: JudgedDrop) {
  const { outcome: reason, firstAt, lastAt, detail: _, ...rest } = drop
  return {
    ...rest,
    ...{ reason, firstAt: timeText(firstAt), lastAt: timeText(lastAt) },
    ...{ cause: causeOf(drop), remedy: remedyOf(drop) },
  }
}
