import { parsePlace } from '../../domain/network.ts'
import type { EndAnswer, EndWanted } from '../../manage/ending.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { BEYOND_RIGHTS } from './authenticate.ts'
import type { Answer, Call, Handlers } from './call.ts'
import { orderWire, timeText } from './wire.ts'

/** The end of sessions, ordered by hand; and the agents that carry such orders out. */
export function endingRoutes({ records, recordsOf, ending, mayActOn }: HttpServices): Handlers {
  async function end(call: Call, wanted: EndWanted, reason: string): Promise<EndAnswer> {
    const { actor, rights } = call.caller
    const { sessions } = recordsOf(call.caller)
    return ending.end(wanted, { actor, reason, mayActOn: (target) => mayActOn(target, rights), sessions })
  }

  return {
    async endSession(call) {
      const id = call.path('id')
      const answer = await end(call, { id }, call.body<{ reason: string }>().reason)
      if (answer.kind !== 'nothing') return answerOf(answer)
      if ((await recordsOf(call.caller).sessions.find(id)) === undefined) throw new Problem('not-found')
      throw new Problem('conflict', { detail: 'The session has ended.' })
    },

    async endSessions(call) {
      const { reason, ...wanted } = call.body<EndBody>()
      return answerOf(await end(call, wantedIn(wanted), reason))
    },

    async listOrders(call) {
      const found = await records.orders.list({ gateway: call.query('gateway'), limit: call.number('limit') })
      return {
        body: {
          items: found.map(orderWire),
        },
      }
    },

    async listAgents() {
      const agents = await records.agents.list()
      return {
        body: { items: agents.map(({ heardAt, ...agent }) => ({ ...agent, heardAt: timeText(heardAt) })) },
      }
    },
  }
}

interface EndBody {
  readonly user?: string
  readonly address?: string
  readonly session?: string
  readonly reason: string
}

/** @throws Problem unless exactly one is given. */
function wantedIn({ user, address, session }: Omit<EndBody, 'reason'>): EndWanted {
  if ([user, address, session].filter((each) => each !== undefined).length !== 1)
    throw new Problem('invalid-request', {
      errors: [{ path: '/body', message: 'needs one of user, address and session' }],
    })
  if (user !== undefined) return { user }
  if (session !== undefined) return { session }
  const place = parsePlace(address ?? '')
  if (place === undefined)
    throw new Problem('invalid-request', {
      errors: [{ path: '/body/address', message: 'is not an IP address' }],
    })
  return { address: place }
}

function answerOf(answer: EndAnswer): Answer {
  switch (answer.kind) {
    case 'forbidden':
      throw new Problem('missing-scope', { detail: BEYOND_RIGHTS })
    case 'nothing':
      return { status: 202, body: { orders: [], sessions: 0, unreached: [] } }
    case 'ordered':
      return {
        status: 202,
        body: { orders: answer.orders, sessions: answer.sessions.length, unreached: answer.unreached },
      }
  }
}
