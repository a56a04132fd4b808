import { messageOf, Unavailable } from '../domain/errors.ts'
import { type Broker, PROTOCOL } from './broker.ts'
import { EventStreamReader, type StreamEvent } from './event-stream.ts'
import { type Order, readOrder } from './order.ts'
import { AgentRefused } from './refused.ts'

export interface StreamListener {
  /** The stream is open. @param reportEveryMs how often the broker wants reports. */
  opened(reportEveryMs: number, version: string): void
  ordered(order: Order): void
}

/** The broker sends something at least each 15 s. */
const SILENCE_MS = 45_000
const DEFAULT_REPORT_S = 60
const MAX_REPORT_S = 3600

/**
 * Hears orders until the broker closes the stream or is silent.
 *
 * @throws Unavailable when the stream is over. @throws AgentRefused
 */
export async function hearOrders(
  broker: Broker,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<never> {
  const silence = new AbortController()
  const giveUp = () => silence.abort(new Error(`the broker was silent for ${SILENCE_MS / 1000} s`))
  const timer = setTimeout(giveUp, SILENCE_MS)
  const reader = new EventStreamReader()
  let isOpen = false
  try {
    const response = await broker.orders(AbortSignal.any([signal, silence.signal]))
    // The broker speaks each 15 s; until now the time counted that it takes to answer.
    response.socket.setTimeout(0)
    for await (const chunk of response) {
      timer.refresh()
      for (const event of reader.read(chunk as Buffer)) {
        if (event.name === 'hello') isOpen = greet(event, listener)
        if (event.name === 'order' && isOpen) hear(event, listener)
        if (event.name === 'refused') throw broker.refused(event.data)
      }
    }
    throw new Unavailable('broker', 'the broker closed the stream')
  } catch (error) {
    if (error instanceof AgentRefused || error instanceof Unavailable) throw error
    const why = silence.signal.aborted ? messageOf(silence.signal.reason) : messageOf(error)
    throw new Unavailable('broker', `the stream is lost: ${why}`, { cause: error })
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

function greet({ data }: StreamEvent, listener: StreamListener): boolean {
  const { protocol, version, report_every: every } = JSON.parse(data) as Readonly<Record<string, unknown>>
  if (protocol !== PROTOCOL)
    throw new AgentRefused(
      'version',
      `the broker (${String(version)}) speaks version ${String(protocol)} of the agent's protocol, and this agent ${PROTOCOL}: install the same version on both`,
    )
  const seconds = typeof every === 'number' && every > 0 ? Math.min(every, MAX_REPORT_S) : DEFAULT_REPORT_S
  listener.opened(seconds * 1000, String(version))
  return true
}

/** What a later broker may ask for in other words stands there, until it is given up or the agent is updated. */
function hear({ data }: StreamEvent, listener: StreamListener): void {
  const order = readOrder(JSON.parse(data))
  if (order !== undefined) listener.ordered(order)
}
