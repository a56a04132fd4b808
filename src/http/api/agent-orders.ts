import { AGENT_PROTOCOL } from '../../domain/agent.ts'
import type { SessionOrder } from '../../domain/session-order.ts'
import { releaseSlot } from '../busy.ts'
import type { Caller } from '../caller.ts'
import type { HttpServices } from '../services.ts'
import { refuseOtherProtocol } from './agent-protocol.ts'
import type { Call, Handlers } from './call.ts'
import type { EventStreams } from './events.ts'

type OrderServices = Pick<HttpServices, 'clock' | 'log' | 'version'> & {
  readonly records: Pick<HttpServices['records'], 'orders' | 'agents'>
}

/** Milliseconds between two looks at the orders, and until an order that is not acknowledged is sent again. */
const TIMES = { pollMs: 500, againMs: 10_000, rightsMs: 2_000, heartbeatMs: 15_000 }
/** Seconds between two reports of an agent. */
const REPORT_EVERY = 60
/** Orders under way to one agent at a time. */
const MOST_ORDERS = 200
const STREAMS = { most: 2_000, mostOfOne: 16 }
const HEADERS = { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }

/** The stream on which an agent hears what it is to do. */
export function agentOrderRoutes(
  { records, clock, log, version }: OrderServices,
  streams: EventStreams,
  { pollMs, againMs, rightsMs, heartbeatMs } = TIMES,
): Handlers {
  return {
    async streamAgentOrders(call) {
      const { request, response, caller } = call
      const gateway = call.path('gateway')
      await refuseOtherProtocol(request.get('ocbroker-agent'), { call, agents: records.agents, clock })
      if (request.method === 'HEAD') {
        response.set(HEADERS).end()
        return undefined
      }
      if (request.socket.destroyed) return undefined
      streams.add(caller.key, response, STREAMS.most, STREAMS.mostOfOne)
      releaseSlot(request, response, () => {})
      response.set(HEADERS)
      request.socket.setNoDelay(true)
      response.write(eventText('hello', { protocol: AGENT_PROTOCOL, version, report_every: REPORT_EVERY }))
      const sent = new Map<string, number>()
      const timers = [
        setInterval(() => response.writableEnded || response.write(': still here\n\n'), heartbeatMs),
        every(pollMs, () => sendOpen(call, gateway, sent)),
        every(rightsMs, () => endWithoutRights(call)),
      ]
      response.once('close', () => timers.forEach(clearInterval))
      return undefined
    },
  }

  async function sendOpen({ response }: Call, gateway: string, sent: Map<string, number>): Promise<void> {
    const open = await records.orders.open(gateway, MOST_ORDERS)
    const now = clock.monotonic()
    const due = open.filter(({ id }) => (sent.get(id) ?? Number.NEGATIVE_INFINITY) <= now - againMs)
    const ids = new Set(open.map(({ id }) => id))
    for (const id of sent.keys()) if (!ids.has(id)) sent.delete(id)
    if (due.length === 0 || response.writableEnded || response.destroyed) return
    await records.orders.noteSent(due.map(({ id }) => id))
    if (response.writableEnded || response.destroyed) return
    for (const { id } of due) sent.set(id, now)
    response.write(due.map(orderText).join(''))
  }

  /** The stream of a token that was revoked ends, with words. */
  async function endWithoutRights({ response, caller }: Call): Promise<void> {
    const detail = await rightsFault(caller)
    if (detail === undefined || response.writableEnded) return
    response.end(eventText('refused', { detail }))
  }

  async function rightsFault(caller: Caller): Promise<string | undefined> {
    if (caller.until !== undefined && caller.until <= clock.now()) return 'The token has expired.'
    return (await caller.isStillGood()) ? undefined : 'The token was revoked.'
  }

  /** One round after the other; one that fails is told of, and the next is tried. */
  function every(ms: number, round: () => Promise<void>): NodeJS.Timeout {
    let isRunning = false
    return setInterval(() => {
      if (isRunning) return
      isRunning = true
      void round()
        .catch((error: unknown) => log.warn('agent.stream_behind', { error }))
        .finally(() => {
          isRunning = false
        })
    }, ms)
  }
}

function orderText({ id, kind, target }: SessionOrder): string {
  return eventText('order', { id, kind, target })
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html. JSON has no line breaks. */
function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
